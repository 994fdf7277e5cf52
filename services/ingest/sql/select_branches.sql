-- $1 how many at most.
SELECT branch_id, geo_id::bigint, lat, lon, located_at FROM core.branch_location ORDER BY recorded_at DESC LIMIT $1
