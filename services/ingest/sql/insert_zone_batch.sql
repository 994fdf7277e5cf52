-- $1 batch, $2 commit_seq, $3 version.
INSERT INTO raw.batch (batch_id, commit_seq, source, messages, events, duplicates, dead_letters, position)
VALUES ($1, $2, 'zones', 0, 0, 0, 0, $3::text)
