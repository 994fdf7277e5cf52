-- Those a replay is asked for and the last of them. $1 ids '{1,2}' (null: all), $2 reason (null: all), $3 received from,
-- $4 received before (null: open). Index: dead_letter_unresolved.
SELECT count(*), coalesce(max(dead_letter_id), 0)
FROM raw.dead_letter
WHERE resolved_at IS NULL AND ($1::text IS NULL OR dead_letter_id = ANY ($1::bigint[]))
  AND ($2::text IS NULL OR reason = $2) AND ($3::timestamptz IS NULL OR received_at >= $3)
  AND ($4::timestamptz IS NULL OR received_at < $4)
