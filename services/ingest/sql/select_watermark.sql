-- No parameters. Index: batch_commit_seq_key.
SELECT watermark_at, first_hour, orders, changed_seq, (SELECT coalesce(max(commit_seq), 0) FROM raw.batch),
       geo_version::bigint
FROM core.watermark
