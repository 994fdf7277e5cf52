-- $1 topic; arrays of equal length: $2 partitions, $3 next offsets, $4 latest event times (seconds since the epoch or
-- null), $5 events, $6 duplicates, $7 dead letters. Index: kafka_offset_pkey.
UPDATE raw.kafka_offset AS o
SET next_offset = n.next_offset,
    latest_event_at = greatest(o.latest_event_at, to_timestamp(n.latest_event_s)),
    events = o.events + n.events,
    duplicates = o.duplicates + n.duplicates,
    dead_letters = o.dead_letters + n.dead_letters,
    updated_at = now()
FROM unnest($2::int[], $3::bigint[], $4::float8[], $5::bigint[], $6::bigint[], $7::bigint[])
    AS n (partition, next_offset, latest_event_s, events, duplicates, dead_letters)
WHERE o.topic = $1 AND o.partition = n.partition
