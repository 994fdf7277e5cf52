-- $1 job, $2 number of the first line, $3 lines, $4 zstd frame.
INSERT INTO raw.backfill_chunk (job_id, first_line, lines, content) VALUES ($1, $2, $3, $4)
