-- $1: id, or null for the newest; $2: most rows. Uses the primary key.
SELECT materialization_id, view_name, view_version, start_ts, end_ts, incremental, state, entity_reached, rows_read,
    rows_applied, problem, requested_at, started_at, finished_at
FROM features.materialization
WHERE materialization_id = coalesce($1::bigint, materialization_id)
ORDER BY materialization_id DESC
LIMIT $2
