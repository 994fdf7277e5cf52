-- How far it is; renews the lease. No row: the job was given to another worker. Index: job_pkey.
-- $1 job, $2 attempt, $3 done, $4 total (-1: not known), $5 result so far as JSON, $6 lease in seconds.
UPDATE raw.job
SET done = $3, total = nullif($4, -1), result = $5::jsonb, lease_until = now() + make_interval(secs => $6::int)
WHERE job_id = $1 AND attempt = $2 AND state = 'running'
RETURNING job_id
