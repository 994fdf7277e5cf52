-- $1 how many at most. The last column is the newest commit that they are as of.
SELECT branch_id, geo_id::bigint, lat, lon, located_at, coalesce((SELECT max(commit_seq) FROM raw.batch), 0)
FROM core.branch_location
ORDER BY recorded_at DESC
LIMIT $1
