-- No parameters.
SELECT branch_id, lat, lon, geo_id::bigint FROM core.branch_location
