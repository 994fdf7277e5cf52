-- The next ones, as many as about $7 bytes allow, at least one. $1 to $4 as in count_dead_letters, $5 after this id,
-- $6 up to this id, $7 bytes, $8 how many at most. Index: dead_letter_unresolved.
WITH open AS (
    SELECT dead_letter_id, sum(octet_length(payload)) OVER (ORDER BY dead_letter_id) - octet_length(payload) AS before
    FROM raw.dead_letter
    WHERE resolved_at IS NULL AND dead_letter_id > $5 AND dead_letter_id <= $6
      AND ($1::text IS NULL OR dead_letter_id = ANY ($1::bigint[]))
      AND ($2::text IS NULL OR reason = $2) AND ($3::timestamptz IS NULL OR received_at >= $3)
      AND ($4::timestamptz IS NULL OR received_at < $4)
    ORDER BY dead_letter_id
    LIMIT $8
)
SELECT d.dead_letter_id, d.payload
FROM open JOIN raw.dead_letter d USING (dead_letter_id)
WHERE open.before <= $7
ORDER BY d.dead_letter_id
