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
