-- The oldest that is not finished and that no other process works on; it stays locked for one page. Uses the partial
-- index materialization_unfinished.
SELECT materialization_id, view_name, view_version, start_ts, end_ts, entity_reached
FROM features.materialization
WHERE state IN ('queued', 'running')
ORDER BY materialization_id
LIMIT 1
FOR UPDATE SKIP LOCKED
