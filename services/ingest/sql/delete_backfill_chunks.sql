-- Files of backfills that are done or given up. No parameters. Index: job_pkey.
DELETE FROM raw.backfill_chunk c USING raw.job j
WHERE j.job_id = c.job_id AND j.state IN ('done', 'failed')
