-- $1 only this one (null: all), $2 only this kind (null: all), $3 before this one, $4 how many; newest first.
-- Index: job_pkey.
SELECT job_id, kind, parameters::text, state, done, coalesce(total, -1), coalesce(result, 'null')::text, error, failures::bigint,
       created_at, started_at, finished_at
FROM raw.job
WHERE ($1::bigint IS NULL OR job_id = $1) AND ($2::text IS NULL OR kind = $2) AND job_id < $3
ORDER BY job_id DESC
LIMIT $4
