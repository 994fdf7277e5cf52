-- $1 after this id, $2 how many, $3 most bytes of each message, $4 only resolved (true) or unresolved ones (false; null:
-- both), $5 only of this reason (null: all). Index: dead_letter_pkey, dead_letter_unresolved.
SELECT dead_letter_id, topic, partition::bigint, "offset", reason, detail, pointer,
       substring(payload FROM 1 FOR $3::int), length(payload)::bigint, received_at, attempts::bigint, attempted_at,
       resolved_at, resolved_batch_id
FROM raw.dead_letter
WHERE dead_letter_id > $1 AND ($4::boolean IS NULL OR (resolved_at IS NOT NULL) = $4)
  AND ($5::text IS NULL OR reason = $5)
ORDER BY dead_letter_id
LIMIT $2
