-- Newest first. $1 most rows, $2 only versions before this one or null. Primary key.
SELECT json_build_object('models', coalesce(json_agg(document ORDER BY version DESC, series_group), '[]'::json),
                         'next', CASE WHEN count(DISTINCT version) = $1::bigint THEN min(version) END)::text
FROM training.model_document
WHERE version IN (SELECT DISTINCT version FROM training.model
                  WHERE $2::bigint IS NULL OR version < $2::bigint ORDER BY version DESC LIMIT $1::bigint)
