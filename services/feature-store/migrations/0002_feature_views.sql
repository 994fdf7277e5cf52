-- Any feature view, not only geo_demand: entities with any keys, declarations, and one layout for the tables of all
-- views. What geo_demand recorded moves there as it is.

-- kind: the join keys of a view in declared order, joined by ','; key: their values in that order, integers in decimal,
-- joined by U+001F.
CREATE TABLE features.entity (
    entity_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    key text NOT NULL,
    UNIQUE (kind, key)
);
COMMENT ON TABLE features.entity IS 'What feature values are about: a geo, a runner, a pair of things. Never removed.';
COMMENT ON COLUMN features.entity.kind IS 'Join keys in declared order, joined by a comma.';
COMMENT ON COLUMN features.entity.key IS 'Values of the join keys in that order, joined by U+001F.';

CREATE TABLE features.view (
    name text NOT NULL,
    version bigint NOT NULL,
    declaration jsonb NOT NULL,
    schema_hash bigint NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, version)
);
COMMENT ON TABLE features.view IS 'Feature views as they were last declared to this database.';
COMMENT ON COLUMN features.view.declaration IS 'The declaration as it is in its file.';
COMMENT ON COLUMN features.view.schema_hash IS 'Of name, version, keys, features and their types; rows online carry it.';
COMMENT ON COLUMN features.view.applied_at IS 'When the declaration last changed here.';

-- Makes the offline table of a view, and columns that it lacks. Append-only: a value that is recorded again gets another
-- row with a higher recorded_seq, which ascends in the order in which recordings become visible. Rows lie in the order
-- of recorded_seq, so a block range index finds the newest ones; a B-tree would double the time of bulk loads.
CREATE FUNCTION features.ensure_view_table(table_name text, column_names text[], column_types text[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    known_type text;
BEGIN
    IF to_regclass(format('features.%I', table_name)) IS NULL THEN
        EXECUTE format('CREATE TABLE features.%I (entity_id integer NOT NULL, event_timestamp timestamptz NOT NULL,'
                       ' recorded_seq bigint NOT NULL, recorded_at timestamptz NOT NULL)'
                       ' PARTITION BY RANGE (event_timestamp)', table_name);
        EXECUTE format('CREATE UNIQUE INDEX %I ON features.%I (entity_id, event_timestamp, recorded_seq DESC)',
                       table_name || '_newest', table_name);
        EXECUTE format('CREATE INDEX %I ON features.%I USING brin (recorded_seq)'
                       ' WITH (pages_per_range = 16, autosummarize = on)', table_name || '_seq', table_name);
    END IF;
    FOR i IN 1 .. coalesce(array_length(column_names, 1), 0) LOOP
        SELECT format_type(atttypid, atttypmod) INTO known_type
        FROM pg_attribute
        WHERE attrelid = to_regclass(format('features.%I', table_name)) AND attname = column_names[i]
            AND NOT attisdropped;
        IF NOT FOUND THEN
            EXECUTE format('ALTER TABLE features.%I ADD COLUMN %I %s', table_name, column_names[i], column_types[i]);
        ELSIF known_type <> column_types[i] THEN
            RAISE EXCEPTION 'column % of features.% is %, not %', column_names[i], table_name, known_type,
                column_types[i] USING ERRCODE = 'check_violation';
        END IF;
    END LOOP;
    INSERT INTO features.progress (feature_view) VALUES (table_name) ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION features.ensure_view_table IS 'Makes the offline table of a feature view, and columns it lacks.';

-- As features.ensure_months, for the months of single instants: a batch may hold few that are far apart.
CREATE FUNCTION features.ensure_months_of(table_name text, instants timestamptz[])
RETURNS bigint LANGUAGE sql AS $$
    SELECT coalesce(sum(features.ensure_months(table_name, instant, instant)), 0)
    FROM (
        SELECT DISTINCT date_trunc('month', instant, 'UTC') AS instant FROM unnest(instants) AS instant
    ) AS months
$$;
COMMENT ON FUNCTION features.ensure_months_of IS 'Makes the monthly partitions that instants need; returns how many.';

-- Geos become entities under the numbers they have.
INSERT INTO features.entity (entity_id, kind, key) OVERRIDING SYSTEM VALUE
SELECT geo_id, 'geo', geo FROM features.geo ORDER BY geo_id;
SELECT setval(pg_get_serial_sequence('features.entity', 'entity_id'), max(entity_id)) FROM features.entity
HAVING max(entity_id) IS NOT NULL;
ALTER TABLE features.geo ALTER COLUMN geo_id DROP IDENTITY;
COMMENT ON COLUMN features.geo.geo_id IS 'features.entity.entity_id of the geo.';

UPDATE features.progress SET feature_view = 'geo_demand_v1' WHERE feature_view = 'geo_demand';
SELECT features.ensure_view_table(
    'geo_demand_v1',
    '{orders,restaurant,goods,orders_3h,orders_24h,orders_168h,same_hour_1w,same_hour_2w,same_hour_3w,same_hour_4w,trend}',
    '{bigint,bigint,bigint,bigint,bigint,bigint,bigint,bigint,bigint,bigint,double precision}'
);
COMMENT ON TABLE features.geo_demand_v1 IS 'Feature view geo_demand, version 1: event_timestamp is the end of the hour.';

-- Month by month of the old table, whose rows lie in the order of recorded_seq; the unique index comes after them.
DROP INDEX features.geo_demand_v1_newest;
SELECT features.ensure_months('geo_demand_v1', min(hour) + interval '1 hour', max(hour) + interval '1 hour')
FROM features.geo_demand
HAVING min(hour) IS NOT NULL;
INSERT INTO features.geo_demand_v1 (entity_id, event_timestamp, recorded_seq, recorded_at, orders, restaurant, goods,
    orders_3h, orders_24h, orders_168h, same_hour_1w, same_hour_2w, same_hour_3w, same_hour_4w, trend)
SELECT geo_id, hour + interval '1 hour', recorded_seq, recorded_at, orders, restaurant, goods,
    orders_3h, orders_24h, orders_168h, same_hour_1w, same_hour_2w, same_hour_3w, same_hour_4w, trend
FROM features.geo_demand;
CREATE UNIQUE INDEX geo_demand_v1_newest ON features.geo_demand_v1 (entity_id, event_timestamp, recorded_seq DESC);

CREATE OR REPLACE VIEW features.geo_demand_newest_value AS
SELECT DISTINCT ON (value.entity_id, value.event_timestamp)
    geo.geo, value.event_timestamp - interval '1 hour' AS hour, value.event_timestamp, value.recorded_at,
    value.orders::integer AS orders, value.restaurant::integer AS restaurant, value.goods::integer AS goods,
    value.orders_3h::integer AS orders_3h, value.orders_24h::integer AS orders_24h,
    value.orders_168h::integer AS orders_168h, value.same_hour_1w::integer AS same_hour_1w,
    value.same_hour_2w::integer AS same_hour_2w, value.same_hour_3w::integer AS same_hour_3w,
    value.same_hour_4w::integer AS same_hour_4w, value.trend
FROM features.geo_demand_v1 AS value
JOIN features.geo AS geo ON geo.geo_id = value.entity_id
ORDER BY value.entity_id, value.event_timestamp, value.recorded_seq DESC;
DROP TABLE features.geo_demand;
