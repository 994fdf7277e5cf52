-- How current each source is: name, when it was last heard of, and messages waiting to be read. Of the order stream that
-- is the watermark, of the databases when a position moved or a batch was committed. No row: nothing has come from it
-- yet. $1 Kafka topic. Index: kafka_offset_pkey, source_position_pkey.
SELECT 'kafka', (SELECT watermark_at FROM core.watermark),
       (SELECT coalesce(sum(greatest(coalesce(end_offset, next_offset) - next_offset, 0)), 0)::bigint
        FROM raw.kafka_offset WHERE topic = $1)
UNION ALL
SELECT source, max(updated_at), 0::bigint FROM raw.source_position GROUP BY source
