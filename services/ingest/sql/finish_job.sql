-- No row: the job was given to another worker. $1 job, $2 attempt, $3 done, $4 result as JSON. Index: job_pkey.
UPDATE raw.job
SET state = 'done', done = $3, total = $3, result = $4::jsonb, error = NULL, finished_at = now(), lease_until = NULL
WHERE job_id = $1 AND attempt = $2 AND state = 'running'
RETURNING job_id
