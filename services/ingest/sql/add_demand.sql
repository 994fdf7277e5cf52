-- Adds to hourly counts and writes the ledger of closed hours. Arrays of equal length, sorted by key so that
-- transactions lock rows in one order: $1 geo_ids, $2 hours since the epoch, $3 verticals, $4 orders to add; $5
-- commit_seq, $6 start of the first hour that is not closed (null: none is), $7 why. Index: demand_hourly_pkey.
WITH addition AS (
    SELECT geo_id, to_timestamp(hour * 3600.0) AS hour_utc, vertical, orders
    FROM unnest($1::int[], $2::bigint[], $3::core.vertical[], $4::bigint[]) AS a (geo_id, hour, vertical, orders)
), counted AS (
    INSERT INTO core.demand_hourly AS d (geo_id, hour_utc, vertical, orders, changed_seq)
    SELECT geo_id, hour_utc, vertical, orders, $5 FROM addition
    ON CONFLICT (geo_id, hour_utc, vertical) DO UPDATE
    SET orders = d.orders + excluded.orders, changed_seq = excluded.changed_seq
    RETURNING geo_id, hour_utc, vertical, orders
)
INSERT INTO core.demand_restatement AS r (commit_seq, geo_id, hour_utc, vertical, orders_were, orders_are, why)
SELECT $5, c.geo_id, c.hour_utc, c.vertical, c.orders - a.orders, c.orders, $7
FROM counted c JOIN addition a USING (geo_id, hour_utc, vertical)
WHERE c.hour_utc < $6
ON CONFLICT (geo_id, hour_utc, vertical, commit_seq) DO UPDATE SET orders_are = excluded.orders_are
