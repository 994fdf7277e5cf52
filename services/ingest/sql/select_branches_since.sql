-- Those recorded since $1 (null: ever), and those of transactions that may have been open then; $2 how many at most.
-- Index: branch_location_recorded.
SELECT branch_id, geo_id::bigint, lat, lon, located_at, recorded_at
FROM core.branch_location
WHERE recorded_at > coalesce($1::timestamptz, '-infinity') - interval '2 minutes'
ORDER BY recorded_at DESC
LIMIT $2
