-- Where a partition is to be read from; makes its row if it has none. What was known of its end is forgotten: whoever
-- begins to read has not seen it, and a partition that is taken for read to its end would not hold the watermark back.
-- $1 topic, $2 partition. Index: kafka_offset_pkey.
INSERT INTO raw.kafka_offset (topic, partition, next_offset) VALUES ($1, $2::int, 0)
ON CONFLICT (topic, partition) DO UPDATE SET end_offset = NULL
RETURNING next_offset
