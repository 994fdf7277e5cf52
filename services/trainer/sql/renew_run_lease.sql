-- Still at work on it; no row: the run is not this worker's any more.
-- $1 run, $2 attempt, $3 lease in seconds, $4 share done, $5 what is being done. Primary key.
UPDATE training.run
SET lease_until = now() + make_interval(secs => $3::float8), share = $4::float8, what = $5::text
WHERE run_id = $1::bigint AND attempts = $2::int AND status = 'running'
RETURNING run_id
