-- Arrays of equal length, each key once: $1 source; $2 streams, $3 paths, $4 kinds, $5 types, $6 times.
-- Index: schema_drift_pkey.
INSERT INTO raw.schema_drift AS d (source, stream, path, kind, value_type, times)
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
ORDER BY 2, 3, 4, 5
ON CONFLICT (source, stream, path, kind, value_type) DO UPDATE
SET times = d.times + excluded.times, last_seen_at = now()
