-- Dead letters that may mention a customer: its id is in them as it is, or something is escaped.
-- $1 after this one, $2 up to this one, $3 the id's bytes, $4 how many. Index: dead_letter_pkey.
SELECT dead_letter_id, batch_id, payload
FROM raw.dead_letter
WHERE dead_letter_id > $1 AND dead_letter_id <= $2
  AND (position($3 IN payload) > 0 OR position('\x5c'::bytea IN payload) > 0)
ORDER BY dead_letter_id
LIMIT $4
