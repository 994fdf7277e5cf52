-- $1 batch, $2 commit_seq, $3 source, $4 topic, $5 partitions, $6 first offsets, $7 last offsets, $8 messages,
-- $9 events, $10 duplicates, $11 dead letters.
INSERT INTO raw.batch (batch_id, commit_seq, source, topic, partitions, first_offsets, last_offsets, messages, events,
                       duplicates, dead_letters)
VALUES ($1, $2, $3, $4, $5::int[], $6::bigint[], $7::bigint[], $8::int, $9::int, $10::int, $11::int)
