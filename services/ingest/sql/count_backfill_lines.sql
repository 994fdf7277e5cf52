-- $1 job. Index: backfill_chunk_pkey.
SELECT coalesce(sum(lines), 0)::bigint FROM raw.backfill_chunk WHERE job_id = $1
