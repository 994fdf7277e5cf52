-- A model of a version, to go on with a training that was broken off. $1 version, $2 group. Primary key.
SELECT version, method, cutoff, data_size_bytes, data FROM training.model
WHERE version = $1::bigint AND series_group = $2::text
