-- Groups that a version has a model for. $1 version. Primary key.
SELECT series_group FROM training.model WHERE version = $1::bigint ORDER BY series_group
