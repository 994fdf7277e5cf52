-- The tables of ingest_consumer.py: the same columns, types and keys as ingest's own.
CREATE SCHEMA peer;
CREATE TYPE peer.event_type AS ENUM
    ('order_created', 'order_accepted', 'order_picked_up', 'order_delivered', 'order_cancelled');
CREATE TYPE peer.vertical AS ENUM ('restaurant', 'goods', 'unknown');
CREATE TABLE peer.order_event (
    order_id text COLLATE "C" NOT NULL,
    event_type peer.event_type NOT NULL,
    occurred_at timestamptz NOT NULL,
    batch_id bigint NOT NULL,
    message_no int NOT NULL,
    geo text COLLATE "C",
    lat float8,
    lon float8,
    vertical peer.vertical NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    branch_id text COLLATE "C",
    customer_id text COLLATE "C",
    total_amount numeric(18, 6),
    currency text COLLATE "C",
    PRIMARY KEY (order_id, event_type)
);
CREATE TABLE peer.demand_hourly (
    geo text COLLATE "C" NOT NULL,
    hour_utc timestamptz NOT NULL,
    vertical peer.vertical NOT NULL,
    orders bigint NOT NULL,
    PRIMARY KEY (geo, hour_utc, vertical)
);
CREATE SEQUENCE peer.batch_id;
CREATE TABLE peer.batch (
    batch_id bigint PRIMARY KEY,
    partitions int[] NOT NULL,
    first_offsets bigint[] NOT NULL,
    last_offsets bigint[] NOT NULL,
    messages int NOT NULL,
    events int NOT NULL,
    duplicates int NOT NULL,
    dead_letters int NOT NULL
);
CREATE TABLE peer.batch_payload (batch_id bigint PRIMARY KEY, payload bytea NOT NULL);
ALTER TABLE peer.batch_payload ALTER COLUMN payload SET STORAGE EXTERNAL;
CREATE TABLE peer.duplicate_event (
    batch_id bigint NOT NULL,
    message_no int NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    event_type peer.event_type NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (batch_id, message_no)
);
CREATE TABLE peer.dead_letter (
    batch_id bigint NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    reason text NOT NULL,
    payload bytea NOT NULL
);
CREATE TABLE peer.kafka_offset (partition int PRIMARY KEY, next_offset bigint NOT NULL);
