-- $1: id, $2: entity_id reached, $3, $4: rows read and applied of this page, $5: whether it was the last. Answers the
-- seconds since the start.
UPDATE features.materialization
SET state = CASE WHEN $5 THEN 'done' ELSE 'running' END,
    entity_reached = $2::bigint::integer,
    rows_read = rows_read + $3,
    rows_applied = rows_applied + $4,
    started_at = coalesce(started_at, now()),
    finished_at = CASE WHEN $5 THEN clock_timestamp() END
WHERE materialization_id = $1
RETURNING extract(epoch FROM clock_timestamp() - started_at)::float8
