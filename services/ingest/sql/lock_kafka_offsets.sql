-- The fence: nobody else records these partitions until the transaction ends.
-- $1 topic, $2 partitions '{0,1}'. Index: kafka_offset_pkey.
SELECT partition, next_offset
FROM raw.kafka_offset
WHERE topic = $1 AND partition = ANY ($2::int[])
ORDER BY partition
FOR UPDATE
