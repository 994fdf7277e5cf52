-- The partition was made anew and counts from an earlier offset. $1 topic, $2 partition, $3 offset.
-- Index: kafka_offset_pkey.
UPDATE raw.kafka_offset
SET next_offset = $3, end_offset = NULL, updated_at = now()
WHERE topic = $1 AND partition = $2::int AND next_offset > $3
