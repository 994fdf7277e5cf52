-- Gives a batch that was inserted early, under a number that no other has, its place in the order of the commits. Only
-- under the lock of take_commit_lock. $1 batch, $2 commit_seq, $3 messages, $4 events, $5 duplicates, $6 dead letters,
-- $7 position. Index: batch_pkey.
UPDATE raw.batch
SET commit_seq = $2, messages = $3::int, events = $4::int, duplicates = $5::int, dead_letters = $6::int, position = $7
WHERE batch_id = $1
