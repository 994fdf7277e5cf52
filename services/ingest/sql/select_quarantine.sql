-- A page of rows set aside, the oldest first, as JSON. $1 after this id, $2 how many, $3 entity (null: all), $4 resolved
-- ones (null: both).
SELECT (q ->> 'quarantine_id')::bigint, q::text
FROM quality.quarantine() q
WHERE (q ->> 'quarantine_id')::bigint > $1 AND ($3::text IS NULL OR q ->> 'entity' = $3)
  AND ($4::boolean IS NULL OR (q ->> 'resolved_at' IS NOT NULL) = $4)
ORDER BY 1
LIMIT $2
