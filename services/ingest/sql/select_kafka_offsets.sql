-- $1 topic. Index: kafka_offset_pkey.
SELECT partition, next_offset, coalesce(end_offset, -1), latest_event_at, events, duplicates, dead_letters
FROM raw.kafka_offset
WHERE topic = $1
ORDER BY partition
