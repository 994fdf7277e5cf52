-- Writes the ledger of what add_demand is about to do to closed hours. Only under the lock of take_commit_lock.
-- $1 to $5 as there, $6 why. Index: demand_hourly_pkey.
INSERT INTO core.demand_restatement (commit_seq, geo_id, hour_utc, vertical, orders_were, orders_are, why)
SELECT $5, a.geo_id, a.hour_utc, a.vertical, coalesce(d.orders, 0), coalesce(d.orders, 0) + a.orders, $6
FROM (SELECT geo_id, to_timestamp(hour * float8 '3600') AS hour_utc, vertical, orders
      FROM unnest($1::int[], $2::bigint[], $3::core.vertical[], $4::bigint[]) AS u (geo_id, hour, vertical, orders)) a
LEFT JOIN core.demand_hourly d USING (geo_id, hour_utc, vertical)
ON CONFLICT (geo_id, hour_utc, vertical, commit_seq) DO UPDATE SET orders_are = excluded.orders_are
