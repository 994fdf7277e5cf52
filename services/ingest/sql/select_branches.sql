-- $1 how many at most. Index: branch_location_recorded.
SELECT branch_id, geo_id::bigint, lat, lon, located_at, recorded_at
FROM core.branch_location
ORDER BY recorded_at DESC
LIMIT $1
