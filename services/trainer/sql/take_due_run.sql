-- Takes the oldest due run of these kinds, or one whose worker has not renewed its lease; no row: none. A lease more
-- than a minute further ahead than one given now comes from a clock that was set back. A run that was lost 5 times is
-- given up.
-- $1 kinds separated by commas, $2 worker, $3 lease in seconds. Index run_open.
WITH lease AS (
    SELECT now() + make_interval(secs => $3::float8) AS until, now() + make_interval(secs => $3::float8 + 60) AS latest
), given_up AS (
    UPDATE training.run
    SET status = 'failed', finished_at = now(), lease_until = NULL, worker = NULL,
        error = 'Given up: its workers ended without a word ' || failures + 1 || ' times.'
    FROM lease
    WHERE status = 'running' AND kind = ANY (string_to_array($1::text, ','))
      AND lease_until NOT BETWEEN now() AND lease.latest AND failures >= 4
), free AS (
    SELECT run_id FROM training.run, lease
    WHERE kind = ANY (string_to_array($1::text, ','))
      AND (status = 'due' AND due_at NOT BETWEEN now() + interval '1 microsecond' AND now() + interval '10 minutes'
           OR status = 'running' AND lease_until NOT BETWEEN now() AND lease.latest AND failures < 4)
    ORDER BY run_id LIMIT 1
    FOR UPDATE OF run SKIP LOCKED
)
UPDATE training.run
SET failures = failures + (status = 'running')::int, status = 'running', attempts = attempts + 1, worker = $2::text,
    lease_until = lease.until, started_at = now(), share = 0, what = NULL
FROM free, lease
WHERE run.run_id = free.run_id
RETURNING run.run_id, kind, cutoff, revision, attempts, failures
