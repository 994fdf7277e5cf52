-- Newest first. $1 most versions, $2 only versions before this one or null. Primary key.
WITH page AS (
    SELECT DISTINCT version FROM training.model
    WHERE $2::bigint IS NULL OR version < $2::bigint ORDER BY version DESC LIMIT $1::bigint
), oldest AS (
    SELECT min(version) AS version FROM page
)
SELECT json_build_object('models', (SELECT coalesce(json_agg(document ORDER BY version DESC, series_group), '[]'::json)
                                    FROM training.model_document JOIN page USING (version)),
                         'next', CASE WHEN EXISTS (SELECT FROM training.model WHERE model.version < oldest.version)
                                      THEN oldest.version END)::text
FROM oldest
