-- Done; no row: the run is not this worker's any more.
-- $1 run, $2 attempt, $3 data cursor, $4 set or null, $5 published. Primary key.
UPDATE training.run
SET status = 'succeeded', finished_at = now(), lease_until = NULL, share = 1, what = NULL, error = NULL,
    data_cursor = $3::bigint, set_id = $4::text,
    published_seq = CASE WHEN $5::boolean THEN nextval('training.published_seq') END
WHERE run_id = $1::bigint AND attempts = $2::int AND status = 'running'
RETURNING run_id
