-- Adds to hourly counts. Arrays of equal length, sorted by key so that transactions lock rows in one order: $1 geo_ids,
-- $2 hours since the epoch, $3 verticals, $4 orders to add; $5 commit_seq. Index: demand_hourly_pkey.
INSERT INTO core.demand_hourly AS d (geo_id, hour_utc, vertical, orders, changed_seq)
SELECT geo_id, to_timestamp(hour * float8 '3600'), vertical, orders, $5
FROM unnest($1::int[], $2::bigint[], $3::core.vertical[], $4::bigint[]) AS a (geo_id, hour, vertical, orders)
ON CONFLICT (geo_id, hour_utc, vertical) DO UPDATE
SET orders = d.orders + excluded.orders, changed_seq = excluded.changed_seq
