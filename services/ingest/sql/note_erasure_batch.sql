-- $1 job, $2 batch. Index: erasure_batch_pkey.
INSERT INTO personal.erasure_batch (job_id, batch_id) VALUES ($1, $2) ON CONFLICT DO NOTHING
