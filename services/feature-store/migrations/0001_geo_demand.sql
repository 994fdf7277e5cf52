-- Hourly demand features of each geo: the counts they are computed from, the append-only values, and how far they are.

-- A geo exists from the first hour that ingest tells of. computed_through: last hour with features (null: none yet);
-- changed_from: earliest of those hours whose counts changed since; recorded_seq: last recording that touched the geo.
CREATE TABLE features.geo (
    geo_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    geo text NOT NULL UNIQUE,
    first_hour timestamptz NOT NULL,
    computed_through timestamptz,
    changed_from timestamptz,
    recorded_seq bigint NOT NULL DEFAULT 0
);

-- Newest counts as ingest tells them; null: nothing told of that vertical. `other`: orders without a vertical.
-- geo_id has no foreign key: the only writer joins features.geo, and bulk loads are twice as fast without.
CREATE TABLE features.demand (
    geo_id integer NOT NULL,
    hour timestamptz NOT NULL,
    other integer,
    restaurant integer,
    goods integer,
    PRIMARY KEY (geo_id, hour)
);

-- One page of changes on its way into features.demand; empty between transactions.
CREATE UNLOGGED TABLE features.demand_page (
    geo text NOT NULL,
    hour timestamptz NOT NULL,
    vertical text,
    orders integer NOT NULL
);

-- Append-only: a restated hour gets another row with a higher recorded_seq. The event timestamp of a row is the end of
-- its hour. recorded_seq ascends in the order in which recordings become visible.
CREATE TABLE features.geo_demand (
    geo_id integer NOT NULL,
    hour timestamptz NOT NULL,
    recorded_seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    orders integer NOT NULL,
    restaurant integer NOT NULL,
    goods integer NOT NULL,
    orders_3h integer NOT NULL,
    orders_24h integer NOT NULL,
    orders_168h integer NOT NULL,
    same_hour_1w integer,
    same_hour_2w integer,
    same_hour_3w integer,
    same_hour_4w integer,
    trend double precision
) PARTITION BY RANGE (hour);
CREATE UNIQUE INDEX geo_demand_newest ON features.geo_demand (geo_id, hour, recorded_seq DESC);
-- Rows lie in the order of recorded_seq, so a block range index finds the newest ones; a B-tree would double the time of
-- bulk loads.
CREATE INDEX geo_demand_recorded ON features.geo_demand USING brin (recorded_seq)
    WITH (pages_per_range = 16, autosummarize = on);

CREATE TABLE features.progress (
    feature_view text PRIMARY KEY,
    origin text NOT NULL DEFAULT gen_random_uuid(), -- tells these numbers from those of a schema made anew
    source_cursor bigint NOT NULL DEFAULT 0, -- of ingest's /demand?changed_since
    recorded_seq bigint NOT NULL DEFAULT 0,
    watermark timestamptz,
    complete_hour timestamptz -- every geo has features through this hour
);
INSERT INTO features.progress (feature_view) VALUES ('geo_demand');

-- Months of [from_hour, through_hour] that the table lacks. A partition is made apart and attached, since creating it
-- in place would wait for, and hold up, everyone who reads the table.
CREATE FUNCTION features.ensure_months(table_name text, from_hour timestamptz, through_hour timestamptz)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    month timestamp := date_trunc('month', from_hour AT TIME ZONE 'UTC');
    partition text;
    made integer := 0;
BEGIN
    WHILE month <= through_hour AT TIME ZONE 'UTC' LOOP
        partition := table_name || '_' || to_char(month, 'YYYY_MM');
        IF to_regclass(format('features.%I', partition)) IS NULL THEN
            EXECUTE format('CREATE TABLE features.%I (LIKE features.%I INCLUDING DEFAULTS)', partition, table_name);
            EXECUTE format('ALTER TABLE features.%I ATTACH PARTITION features.%I FOR VALUES FROM (%L) TO (%L)',
                           table_name, partition, month AT TIME ZONE 'UTC',
                           (month + interval '1 month') AT TIME ZONE 'UTC');
            made := made + 1;
        END IF;
        month := month + interval '1 month';
    END LOOP;
    RETURN made;
END
$$;

-- For analysts: the newest value of every hour, with the geo's name.
CREATE VIEW features.geo_demand_newest_value AS
SELECT DISTINCT ON (value.geo_id, value.hour)
    geo.geo, value.hour, value.hour + interval '1 hour' AS event_timestamp, value.recorded_at,
    value.orders, value.restaurant, value.goods, value.orders_3h, value.orders_24h, value.orders_168h,
    value.same_hour_1w, value.same_hour_2w, value.same_hour_3w, value.same_hour_4w, value.trend
FROM features.geo_demand AS value
JOIN features.geo AS geo USING (geo_id)
ORDER BY value.geo_id, value.hour, value.recorded_seq DESC;
