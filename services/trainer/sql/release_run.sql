-- Not done: due again after a while, or failed for good. Of these, only failures count towards the limit.
-- $1 run, $2 attempt, $3 seconds to wait, $4 counts as a failure, $5 failures allowed, $6 error. Primary key.
UPDATE training.run
SET failures = failures + $4::boolean::int, error = $6::text, lease_until = NULL, worker = NULL, what = NULL,
    due_at = now() + make_interval(secs => $3::float8),
    status = CASE WHEN $4::boolean AND failures + 1 >= $5::int THEN 'failed' ELSE 'due' END,
    finished_at = CASE WHEN $4::boolean AND failures + 1 >= $5::int THEN now() END
WHERE run_id = $1::bigint AND attempts = $2::int AND status = 'running'
RETURNING status
