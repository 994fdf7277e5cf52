-- $1 topic, $2 partition, $3 first offset lost, $4 first offset there is, $5 earliest event time after it (null: not
-- known), $6 batch. Before advance_kafka_offsets. Index: kafka_offset_pkey.
INSERT INTO raw.stream_gap (topic, partition, from_offset, to_offset, from_event_at, to_event_at, batch_id)
SELECT topic, partition, greatest($3, next_offset), $4, latest_event_at, $5, $6
FROM raw.kafka_offset
WHERE topic = $1 AND partition = $2::int AND next_offset < $4
