-- Failed: due again after the wait, or given up. $1 job, $2 attempt, $3 seconds to wait, $4 given up, $5 error,
-- $6 counts as a failure. Index: job_pkey.
UPDATE raw.job
SET state = CASE WHEN $4 THEN 'failed' ELSE 'queued' END, error = $5, failures = failures + $6::boolean::int,
    due_at = now() + make_interval(secs => $3::int), lease_until = NULL,
    finished_at = CASE WHEN $4 THEN now() END
WHERE job_id = $1 AND attempt = $2 AND state = 'running'
