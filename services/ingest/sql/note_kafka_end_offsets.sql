-- $1 topic; arrays of equal length: $2 partitions, $3 end offsets. Index: kafka_offset_pkey.
UPDATE raw.kafka_offset AS o
SET end_offset = n.end_offset, updated_at = now()
FROM unnest($2::int[], $3::bigint[]) AS n (partition, end_offset)
WHERE o.topic = $1 AND o.partition = n.partition AND o.end_offset IS DISTINCT FROM n.end_offset
