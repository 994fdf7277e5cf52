-- $1: view, $2: version. The oldest that is not finished. Uses the partial index materialization_unfinished.
SELECT materialization_id
FROM features.materialization
WHERE state IN ('queued', 'running') AND view_name = $1 AND view_version = $2
ORDER BY materialization_id
LIMIT 1
