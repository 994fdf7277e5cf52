-- Newest first. $1 most rows, $2 only runs before this one or null. Primary key.
SELECT json_build_object('runs', coalesce(json_agg(document), '[]'::json),
                         'next', CASE WHEN count(*) = $1::bigint THEN min(run_id) END)::text
FROM (SELECT run_id, document FROM training.run_document
      WHERE $2::bigint IS NULL OR run_id < $2::bigint ORDER BY run_id DESC LIMIT $1::bigint) AS page
