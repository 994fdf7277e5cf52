-- What came in, as it came in, and how far each source has been read.
COMMENT ON SCHEMA raw IS 'Messages as received, offsets, dead letters and duplicates; written by ingest only';

CREATE SEQUENCE raw.batch_id;
COMMENT ON SEQUENCE raw.batch_id IS 'Numbers batches when they begin';
CREATE SEQUENCE raw.commit_seq;
COMMENT ON SEQUENCE raw.commit_seq IS
    'Numbers batches when they commit. Taken under an advisory lock that is held until the commit, so a number is '
    'visible only when all lower ones are';

CREATE TABLE raw.batch (
    batch_id bigint PRIMARY KEY,
    commit_seq bigint NOT NULL UNIQUE,
    source text NOT NULL,
    topic text NOT NULL,
    partitions int[] NOT NULL,
    first_offsets bigint[] NOT NULL,
    last_offsets bigint[] NOT NULL,
    messages int NOT NULL,
    events int NOT NULL,
    duplicates int NOT NULL,
    dead_letters int NOT NULL,
    committed_at timestamptz NOT NULL DEFAULT now(),
    CHECK (messages = events + duplicates + dead_letters)
);
COMMENT ON TABLE raw.batch IS 'One row per transaction of ingest; outlives the payload';
COMMENT ON COLUMN raw.batch.batch_id IS 'Number that its facts carry';
COMMENT ON COLUMN raw.batch.commit_seq IS 'Order of visibility: as of N means the batches with commit_seq <= N';
COMMENT ON COLUMN raw.batch.source IS 'Source the messages came from';
COMMENT ON COLUMN raw.batch.topic IS 'Kafka topic';
COMMENT ON COLUMN raw.batch.partitions IS 'Kafka partitions in the batch';
COMMENT ON COLUMN raw.batch.first_offsets IS 'First offset of each of the partitions';
COMMENT ON COLUMN raw.batch.last_offsets IS 'Last offset of each of the partitions';
COMMENT ON COLUMN raw.batch.messages IS 'Messages in the batch';
COMMENT ON COLUMN raw.batch.events IS 'Of these, recorded in core.order_event';
COMMENT ON COLUMN raw.batch.duplicates IS 'Of these, recorded in raw.duplicate_event';
COMMENT ON COLUMN raw.batch.dead_letters IS 'Of these, recorded in raw.dead_letter';
COMMENT ON COLUMN raw.batch.committed_at IS 'When the transaction began';

CREATE TABLE raw.batch_payload (
    batch_id bigint NOT NULL,
    received_on date NOT NULL,
    payload bytea NOT NULL,
    payload_bytes bigint NOT NULL,
    customers bigint[] NOT NULL,
    PRIMARY KEY (batch_id, received_on)
) PARTITION BY RANGE (received_on);
-- The payload is compressed already and the hashes are random: Postgres' own compression would only cost time.
ALTER TABLE raw.batch_payload ALTER COLUMN payload SET STORAGE EXTERNAL, ALTER COLUMN customers SET STORAGE EXTERNAL;
COMMENT ON TABLE raw.batch_payload IS 'Original messages of a batch; partitioned by day, so that retention drops days';
COMMENT ON COLUMN raw.batch_payload.batch_id IS 'Batch (raw.batch)';
COMMENT ON COLUMN raw.batch_payload.received_on IS 'Day of receipt, UTC';
COMMENT ON COLUMN raw.batch_payload.payload IS
    'zstd frame of the messages one after another, each with a header of little-endian integers: partition (4 bytes), '
    'offset (8 bytes), length (4 bytes)';
COMMENT ON COLUMN raw.batch_payload.payload_bytes IS 'Size of the payload before compression';
COMMENT ON COLUMN raw.batch_payload.customers IS 'Sorted hashes of the customer ids in the messages: where to look for one';

CREATE TABLE raw.batch_payload_default PARTITION OF raw.batch_payload DEFAULT;
COMMENT ON TABLE raw.batch_payload_default IS 'Catches days whose partition could not be made in time';

CREATE FUNCTION raw.ensure_payload_partitions(first_day date, last_day date) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    day date;
    partition_name text;
    made int := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('raw.ensure_payload_partitions', 0));
    FOR day IN SELECT generate_series(first_day, last_day, '1 day')::date LOOP
        partition_name := 'batch_payload_' || to_char(day, 'YYYYMMDD');
        CONTINUE WHEN to_regclass('raw.' || partition_name) IS NOT NULL;
        BEGIN
            EXECUTE format('CREATE TABLE raw.%I PARTITION OF raw.batch_payload FOR VALUES FROM (%L) TO (%L)',
                           partition_name, day, day + 1);
            made := made + 1;
        EXCEPTION WHEN check_violation THEN
            NULL; -- rows of that day are in the default partition already: they stay there
        END;
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION raw.ensure_payload_partitions IS 'Makes the missing partitions of these days; returns how many';

CREATE TABLE raw.kafka_offset (
    topic text COLLATE "C" NOT NULL,
    partition int NOT NULL,
    next_offset bigint NOT NULL,
    end_offset bigint,
    latest_event_at timestamptz,
    events bigint NOT NULL DEFAULT 0,
    duplicates bigint NOT NULL DEFAULT 0,
    dead_letters bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);
COMMENT ON TABLE raw.kafka_offset IS 'Where reading resumes: written in the transaction of the rows that were read';
COMMENT ON COLUMN raw.kafka_offset.topic IS 'Kafka topic';
COMMENT ON COLUMN raw.kafka_offset.partition IS 'Kafka partition';
COMMENT ON COLUMN raw.kafka_offset.next_offset IS 'First offset not yet recorded';
COMMENT ON COLUMN raw.kafka_offset.end_offset IS 'End of the partition as last seen; null: not seen yet';
COMMENT ON COLUMN raw.kafka_offset.latest_event_at IS 'Latest event time recorded from it';
COMMENT ON COLUMN raw.kafka_offset.events IS 'Messages that became rows of core.order_event';
COMMENT ON COLUMN raw.kafka_offset.duplicates IS 'Messages that became rows of raw.duplicate_event';
COMMENT ON COLUMN raw.kafka_offset.dead_letters IS 'Messages that became rows of raw.dead_letter';
COMMENT ON COLUMN raw.kafka_offset.updated_at IS 'When this row last changed';

CREATE TABLE raw.dead_letter (
    dead_letter_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch_id bigint NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    pointer text NOT NULL,
    payload bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE raw.dead_letter IS 'Messages that could not be used, byte for byte';
COMMENT ON COLUMN raw.dead_letter.dead_letter_id IS 'Key';
COMMENT ON COLUMN raw.dead_letter.batch_id IS 'Batch that brought it';
COMMENT ON COLUMN raw.dead_letter.topic IS 'Kafka topic';
COMMENT ON COLUMN raw.dead_letter.partition IS 'Kafka partition';
COMMENT ON COLUMN raw.dead_letter."offset" IS 'Kafka offset';
COMMENT ON COLUMN raw.dead_letter.reason IS 'Kind of fault, one of a fixed list';
COMMENT ON COLUMN raw.dead_letter.detail IS 'What is wrong with it, for people';
COMMENT ON COLUMN raw.dead_letter.pointer IS 'JSON pointer of the field at fault; empty: the whole message';
COMMENT ON COLUMN raw.dead_letter.payload IS 'The message as it was received';
COMMENT ON COLUMN raw.dead_letter.received_at IS 'When it was recorded';

CREATE TABLE raw.duplicate_event (
    batch_id bigint NOT NULL,
    message_no int NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    event_type core.event_type NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (batch_id, message_no)
);
COMMENT ON TABLE raw.duplicate_event IS 'Further events of an order and step that is in core.order_event; not counted';
COMMENT ON COLUMN raw.duplicate_event.batch_id IS 'Batch that brought it';
COMMENT ON COLUMN raw.duplicate_event.message_no IS 'Position in the payload of that batch, from 0';
COMMENT ON COLUMN raw.duplicate_event.order_id IS 'Order';
COMMENT ON COLUMN raw.duplicate_event.event_type IS 'Step';
COMMENT ON COLUMN raw.duplicate_event.event_id IS 'Id of this event, the same as the counted one''s or another';
COMMENT ON COLUMN raw.duplicate_event.partition IS 'Kafka partition';
COMMENT ON COLUMN raw.duplicate_event."offset" IS 'Kafka offset';
COMMENT ON COLUMN raw.duplicate_event.received_at IS 'When it was recorded';

CREATE TABLE raw.waiting_event (
    order_id text COLLATE "C" NOT NULL,
    event_type core.event_type NOT NULL,
    branch_id text COLLATE "C" NOT NULL,
    batch_id bigint NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (order_id, event_type)
);
CREATE INDEX waiting_event_branch ON raw.waiting_event (branch_id);
COMMENT ON TABLE raw.waiting_event IS
    'Rows of core.order_event without a place because their branch is not known yet; counted once it is';
COMMENT ON COLUMN raw.waiting_event.order_id IS 'Order';
COMMENT ON COLUMN raw.waiting_event.event_type IS 'Step';
COMMENT ON COLUMN raw.waiting_event.branch_id IS 'Branch it waits for';
COMMENT ON COLUMN raw.waiting_event.batch_id IS 'Batch that brought it';
COMMENT ON COLUMN raw.waiting_event.received_at IS 'When it was recorded';
