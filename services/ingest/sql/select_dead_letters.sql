-- $1 after this id, $2 how many, $3 most bytes of each message. Index: dead_letter_pkey.
SELECT dead_letter_id, topic, partition::bigint, "offset", reason, detail, pointer,
       substring(payload FROM 1 FOR $3::int), length(payload)::bigint, received_at
FROM raw.dead_letter
WHERE dead_letter_id > $1
ORDER BY dead_letter_id
LIMIT $2
