-- Leaves that were registered when the batch was committed. $1 commit_seq. Index: batch_commit_seq_key.
SELECT geo_id::bigint, geo
FROM core.geo
WHERE kind IN ('cell', 'zone')
  AND registered_at <= (SELECT committed_at FROM raw.batch WHERE commit_seq <= $1 ORDER BY commit_seq DESC LIMIT 1)
ORDER BY geo
