-- All groups of a version. $1 version. Primary key.
SELECT json_build_object('version', $1::bigint, 'models', json_agg(document ORDER BY series_group))::text
FROM training.model_document WHERE version = $1::bigint
