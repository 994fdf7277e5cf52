-- Normalized facts and what is derived from them.
CREATE SCHEMA core;
COMMENT ON SCHEMA core IS 'Normalized history of orders and the hourly demand derived from it; written by ingest only';

CREATE TYPE core.event_type AS ENUM
    ('order_created', 'order_accepted', 'order_picked_up', 'order_delivered', 'order_cancelled');
COMMENT ON TYPE core.event_type IS 'Steps in the life of an order';
CREATE TYPE core.vertical AS ENUM ('restaurant', 'goods', 'unknown');
COMMENT ON TYPE core.vertical IS 'Line of business; unknown where the event does not say';

CREATE TABLE core.geo (
    geo_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    geo text COLLATE "C" NOT NULL UNIQUE,
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('cell', 'zone', 'city', 'all')),
    timezone text NOT NULL,
    country text NOT NULL,
    lat float8,
    lon float8,
    parent_id int REFERENCES core.geo,
    geo_version int NOT NULL DEFAULT 1,
    registered_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((parent_id IS NULL) = (kind = 'all'))
);
CREATE INDEX geo_parent ON core.geo (parent_id);
COMMENT ON TABLE core.geo IS 'Places that demand is counted and forecast for; a geo never ends';
COMMENT ON COLUMN core.geo.geo_id IS 'Key inside this database';
COMMENT ON COLUMN core.geo.geo IS 'The name outside: an H3 cell, a zone id, a city id, or all';
COMMENT ON COLUMN core.geo.name IS 'Name for people';
COMMENT ON COLUMN core.geo.kind IS 'cell and zone are leaves that orders fall into; city and all are sums of leaves';
COMMENT ON COLUMN core.geo.timezone IS 'IANA time zone that its days follow';
COMMENT ON COLUMN core.geo.country IS 'ISO 3166 alpha-2, for public holidays; empty while not known';
COMMENT ON COLUMN core.geo.lat IS 'Latitude of the centre in degrees; null while nothing is known';
COMMENT ON COLUMN core.geo.lon IS 'Longitude of the centre in degrees; null while nothing is known';
COMMENT ON COLUMN core.geo.parent_id IS 'The geo it adds up into; null for all';
COMMENT ON COLUMN core.geo.geo_version IS 'Version of the division of space that it belongs to';
COMMENT ON COLUMN core.geo.registered_at IS 'When it was first seen or configured (recorded time)';

CREATE TABLE core.branch (
    branch_id text COLLATE "C" PRIMARY KEY,
    geo_id int NOT NULL REFERENCES core.geo,
    lat float8 NOT NULL,
    lon float8 NOT NULL,
    located_at timestamptz NOT NULL,
    source text NOT NULL CHECK (source IN ('events')),
    batch_id bigint NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE core.branch IS 'Pick-up locations: where events without coordinates take theirs from';
COMMENT ON COLUMN core.branch.branch_id IS 'Id in the company''s systems';
COMMENT ON COLUMN core.branch.geo_id IS 'Leaf geo of the location';
COMMENT ON COLUMN core.branch.lat IS 'Latitude in degrees';
COMMENT ON COLUMN core.branch.lon IS 'Longitude in degrees';
COMMENT ON COLUMN core.branch.located_at IS 'Event time from which the location is known to hold';
COMMENT ON COLUMN core.branch.source IS 'Where the location was learned from';
COMMENT ON COLUMN core.branch.batch_id IS 'Batch that recorded this state';
COMMENT ON COLUMN core.branch.recorded_at IS 'When this state was recorded';

CREATE TABLE core.order_event (
    order_id text COLLATE "C" NOT NULL,
    event_type core.event_type NOT NULL,
    occurred_at timestamptz NOT NULL,
    batch_id bigint NOT NULL,
    message_no int NOT NULL,
    geo_id int,
    lat float8,
    lon float8,
    vertical core.vertical NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    branch_id text COLLATE "C",
    customer_id text COLLATE "C",
    total_amount numeric(18, 6),
    currency text COLLATE "C",
    PRIMARY KEY (order_id, event_type)
);
-- Rows are appended in the order of their batches, so a few pages index the whole table.
CREATE INDEX order_event_batch ON core.order_event USING brin (batch_id) WITH (pages_per_range = 64, autosummarize);
COMMENT ON TABLE core.order_event IS
    'One row per step of an order, however often it was sent. geo_id refers to core.geo and batch_id to raw.batch '
    'without a foreign key: checking each row would halve the rate of ingestion';
COMMENT ON COLUMN core.order_event.order_id IS 'Order in the company''s systems';
COMMENT ON COLUMN core.order_event.event_type IS 'Step of the order''s life';
COMMENT ON COLUMN core.order_event.occurred_at IS 'When it happened (event time)';
COMMENT ON COLUMN core.order_event.batch_id IS 'Batch that recorded it (raw.batch)';
COMMENT ON COLUMN core.order_event.message_no IS 'Position of the original message in the payload of that batch, from 0';
COMMENT ON COLUMN core.order_event.geo_id IS 'Leaf geo of the pick-up; null while its branch is not known';
COMMENT ON COLUMN core.order_event.lat IS 'Latitude of the pick-up as sent, in degrees; null: the branch''s holds';
COMMENT ON COLUMN core.order_event.lon IS 'Longitude of the pick-up as sent, in degrees; null: the branch''s holds';
COMMENT ON COLUMN core.order_event.vertical IS 'Line of business';
COMMENT ON COLUMN core.order_event.event_id IS 'Id of the event that was counted; later ones are in raw.duplicate_event';
COMMENT ON COLUMN core.order_event.branch_id IS 'Branch the order is picked up at, if sent';
COMMENT ON COLUMN core.order_event.customer_id IS 'Pseudonymous customer, if sent';
COMMENT ON COLUMN core.order_event.total_amount IS 'Order total in the currency, if sent';
COMMENT ON COLUMN core.order_event.currency IS 'ISO 4217 code of total_amount';

CREATE TABLE core.demand_hourly (
    geo_id int NOT NULL REFERENCES core.geo,
    hour_utc timestamptz NOT NULL CHECK (date_part('epoch', hour_utc)::bigint % 3600 = 0),
    vertical core.vertical NOT NULL,
    orders bigint NOT NULL CHECK (orders >= 0),
    changed_seq bigint NOT NULL,
    PRIMARY KEY (geo_id, hour_utc, vertical)
);
CREATE INDEX demand_hourly_changed ON core.demand_hourly (changed_seq);
COMMENT ON TABLE core.demand_hourly IS
    'Orders created per leaf geo, hour of event time and vertical; derived from core.order_event, hours without orders '
    'have no row';
COMMENT ON COLUMN core.demand_hourly.geo_id IS 'Leaf geo';
COMMENT ON COLUMN core.demand_hourly.hour_utc IS 'Start of the hour';
COMMENT ON COLUMN core.demand_hourly.vertical IS 'Line of business';
COMMENT ON COLUMN core.demand_hourly.orders IS 'Orders created';
COMMENT ON COLUMN core.demand_hourly.changed_seq IS
    'commit_seq of the batch that changed it last: the cursor of GET /demand?changed_since=';

CREATE TABLE core.demand_restatement (
    commit_seq bigint NOT NULL,
    geo_id int NOT NULL REFERENCES core.geo,
    hour_utc timestamptz NOT NULL,
    vertical core.vertical NOT NULL,
    orders_were bigint NOT NULL,
    orders_are bigint NOT NULL,
    why text NOT NULL CHECK (why IN ('late_event', 'branch_located')),
    restated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (geo_id, hour_utc, vertical, commit_seq)
);
COMMENT ON TABLE core.demand_restatement IS 'Ledger of changes to hours that the watermark had already passed';
COMMENT ON COLUMN core.demand_restatement.commit_seq IS 'Batch that changed it (raw.batch.commit_seq)';
COMMENT ON COLUMN core.demand_restatement.geo_id IS 'Leaf geo';
COMMENT ON COLUMN core.demand_restatement.hour_utc IS 'Start of the hour';
COMMENT ON COLUMN core.demand_restatement.vertical IS 'Line of business';
COMMENT ON COLUMN core.demand_restatement.orders_were IS 'Count before';
COMMENT ON COLUMN core.demand_restatement.orders_are IS 'Count after';
COMMENT ON COLUMN core.demand_restatement.why IS
    'late_event: events came after the hour was closed; branch_located: waiting events of a branch found their place';
COMMENT ON COLUMN core.demand_restatement.restated_at IS 'When it was recorded';

CREATE TABLE core.watermark (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    watermark_at timestamptz,
    first_hour timestamptz,
    orders bigint NOT NULL DEFAULT 0,
    changed_seq bigint NOT NULL DEFAULT 0
);
INSERT INTO core.watermark DEFAULT VALUES;
COMMENT ON TABLE core.watermark IS 'One row: how far the history reaches';
COMMENT ON COLUMN core.watermark.only_row IS 'Keeps it at one row';
COMMENT ON COLUMN core.watermark.watermark_at IS
    'Event time up to which everything sent so far has been recorded; never moves backwards; null before any event';
COMMENT ON COLUMN core.watermark.first_hour IS 'Earliest hour with an order';
COMMENT ON COLUMN core.watermark.orders IS 'Orders counted in core.demand_hourly';
COMMENT ON COLUMN core.watermark.changed_seq IS 'Newest core.demand_hourly.changed_seq';
