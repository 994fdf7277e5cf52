-- $1: id, $2: why.
UPDATE features.materialization
SET state = 'failed', problem = $2, finished_at = clock_timestamp()
WHERE materialization_id = $1 AND state IN ('queued', 'running')
