-- What analysts and reports read: names instead of keys, no original messages.
CREATE SCHEMA warehouse;
COMMENT ON SCHEMA warehouse IS 'Read-only views for analysts and reports';

CREATE VIEW warehouse.geo AS
    SELECT g.geo, g.name, g.kind, g.timezone, g.country, g.lat, g.lon, parent.geo AS parent, g.geo_version,
           g.registered_at
    FROM core.geo g LEFT JOIN core.geo parent ON parent.geo_id = g.parent_id;
COMMENT ON VIEW warehouse.geo IS 'Places, with their parents by name';

CREATE VIEW warehouse.order_event AS
    SELECT e.order_id, e.event_type, e.occurred_at, g.geo, e.vertical, e.branch_id, e.total_amount, e.currency,
           e.event_id, e.batch_id
    FROM core.order_event e LEFT JOIN core.geo g USING (geo_id);
COMMENT ON VIEW warehouse.order_event IS 'Steps of orders, once each; geo is null while the branch is not known';

CREATE VIEW warehouse.demand_hourly AS
    SELECT g.geo, d.hour_utc, d.vertical, d.orders
    FROM core.demand_hourly d JOIN core.geo g USING (geo_id);
COMMENT ON VIEW warehouse.demand_hourly IS 'Orders created per leaf geo, hour and vertical; hours without orders have no row';

CREATE VIEW warehouse.demand_restatement AS
    SELECT g.geo, r.hour_utc, r.vertical, r.orders_were, r.orders_are, r.why, r.restated_at, r.commit_seq
    FROM core.demand_restatement r JOIN core.geo g USING (geo_id);
COMMENT ON VIEW warehouse.demand_restatement IS 'Changes to hours that were already closed';

CREATE VIEW warehouse.batch AS
    SELECT batch_id, commit_seq, source, messages, events, duplicates, dead_letters, committed_at FROM raw.batch;
COMMENT ON VIEW warehouse.batch IS 'Transactions of ingest and what became of their messages';

CREATE VIEW warehouse.dead_letter AS
    SELECT dead_letter_id, topic, partition, "offset", reason, detail, pointer, received_at FROM raw.dead_letter;
COMMENT ON VIEW warehouse.dead_letter IS 'Messages that could not be used, without their content';

-- A view's columns mean what the columns of the same name mean in the tables it is made of.
DO $$
DECLARE
    comment_sql text;
BEGIN
    FOR comment_sql IN
        SELECT DISTINCT ON (view_column.attrelid, view_column.attnum)
               format('COMMENT ON COLUMN %s.%I IS %L', view_column.attrelid::regclass, view_column.attname,
                      col_description(table_column.attrelid, table_column.attnum))
        FROM (VALUES ('warehouse.geo', 'core.geo', 1), ('warehouse.order_event', 'core.order_event', 1),
                     ('warehouse.order_event', 'core.geo', 2), ('warehouse.demand_hourly', 'core.demand_hourly', 1),
                     ('warehouse.demand_hourly', 'core.geo', 2),
                     ('warehouse.demand_restatement', 'core.demand_restatement', 1),
                     ('warehouse.demand_restatement', 'core.geo', 2), ('warehouse.batch', 'raw.batch', 1),
                     ('warehouse.dead_letter', 'raw.dead_letter', 1)) AS made_of (view_name, table_name, preference)
        JOIN pg_attribute view_column ON view_column.attrelid = view_name::regclass AND view_column.attnum > 0
        JOIN pg_attribute table_column ON table_column.attrelid = table_name::regclass AND table_column.attnum > 0
             AND table_column.attname = CASE view_column.attname WHEN 'parent' THEN 'parent_id'
                                                                 ELSE view_column.attname END
        ORDER BY view_column.attrelid, view_column.attnum, preference
    LOOP
        EXECUTE comment_sql;
    END LOOP;
END
$$;
COMMENT ON COLUMN warehouse.order_event.geo IS 'Leaf geo of the pick-up; null while its branch is not known';
