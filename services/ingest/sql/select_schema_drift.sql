-- What was seen last comes first. $1 source (null: all), $2 seen since (null: ever), $3 how many.
SELECT source, stream, path, kind, value_type, times, first_seen_at, last_seen_at
FROM raw.schema_drift
WHERE ($1::text IS NULL OR source = $1) AND ($2::timestamptz IS NULL OR last_seen_at >= $2)
ORDER BY last_seen_at DESC, source, stream, path, kind, value_type
LIMIT $3
