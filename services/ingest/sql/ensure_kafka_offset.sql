-- Where a partition is to be read from; makes its row if it has none.
-- $1 topic, $2 partition. Index: kafka_offset_pkey.
WITH added AS (
    INSERT INTO raw.kafka_offset (topic, partition, next_offset) VALUES ($1, $2::int, 0)
    ON CONFLICT DO NOTHING
    RETURNING next_offset
)
SELECT next_offset FROM added
UNION ALL
SELECT next_offset FROM raw.kafka_offset WHERE topic = $1 AND partition = $2::int
