-- $1 version, $2 group, $3 reason. Primary key.
UPDATE training.model SET champion = true, decision = $3::text
WHERE version = $1::bigint AND series_group = $2::text
