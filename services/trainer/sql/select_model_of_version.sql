-- Whether a version has a model of the group. $1 version, $2 group. Primary key.
SELECT version FROM training.model WHERE version = $1::bigint AND series_group = $2::text
