-- The chunk that holds a line. $1 job, $2 line. Index: backfill_chunk_pkey.
SELECT first_line, content
FROM raw.backfill_chunk
WHERE job_id = $1 AND first_line <= $2
ORDER BY first_line DESC
LIMIT 1
