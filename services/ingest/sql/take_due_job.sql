-- Takes the oldest due job, or one whose worker has not renewed its lease; no row: none. $1 lease in seconds.
-- Index: job_open.
UPDATE raw.job
SET state = 'running', attempt = attempt + 1, started_at = coalesce(started_at, now()),
    lease_until = now() + make_interval(secs => $1::int)
WHERE job_id = (
    SELECT job_id
    FROM raw.job
    WHERE (state = 'queued' AND due_at <= now()) OR (state = 'running' AND lease_until < now())
    ORDER BY job_id
    LIMIT 1
    FOR UPDATE SKIP LOCKED)
RETURNING job_id, kind, parameters::text, attempt, done, coalesce(total, -1), coalesce(result, '{}')::text,
          failures::bigint
