-- Branches located by commits after $1, and the newest commit in each row: one row at least. $2 how many at most.
-- Index: batch_commit_seq_key, branch_location_batch.
SELECT b.branch_id, b.geo_id::bigint, b.lat, b.lon, b.located_at, coalesce(newest.commit_seq, 0)
FROM (SELECT max(commit_seq) AS commit_seq FROM raw.batch) newest
LEFT JOIN (raw.batch r JOIN core.branch_location b USING (batch_id))
    ON r.commit_seq > $1 AND r.commit_seq <= newest.commit_seq
LIMIT $2
