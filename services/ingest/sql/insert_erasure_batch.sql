-- Marks in the order of the commits from where on the answers say nothing of the customer. Under take_commit_lock.
-- $1 job.
INSERT INTO raw.batch (batch_id, commit_seq, source, messages, events, duplicates, dead_letters, position)
VALUES (nextval('raw.batch_id'), nextval('raw.commit_seq'), 'erasure', 0, 0, 0, 0, $1::bigint::text)
