-- Newest first. $1 most rows, $2 only runs before this one or null. Primary key.
WITH page AS (
    SELECT run_id, document FROM training.run_document
    WHERE $2::bigint IS NULL OR run_id < $2::bigint ORDER BY run_id DESC LIMIT $1::bigint
), oldest AS (
    SELECT min(run_id) AS run_id FROM page
)
SELECT json_build_object('runs', (SELECT coalesce(json_agg(document ORDER BY run_id DESC), '[]'::json) FROM page),
                         'next', CASE WHEN EXISTS (SELECT FROM training.run WHERE run.run_id < oldest.run_id)
                                      THEN oldest.run_id END)::text
FROM oldest
