-- $1 run. Primary key.
SELECT document::text FROM training.run_document WHERE run_id = $1::bigint
