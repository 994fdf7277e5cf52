-- Demand of a day counted again from the orders against what is kept. $1 start of the day.
-- Index: order_event_batch (brin), demand_hourly_pkey.
WITH recounted AS (
    SELECT geo_id, date_trunc('hour', occurred_at, 'UTC') AS hour_utc, vertical, count(*) AS orders
    FROM core.order_event
    WHERE event_type = 'order_created' AND geo_id IS NOT NULL AND occurred_at >= $1 AND occurred_at < $1 + interval '1 day'
    GROUP BY 1, 2, 3
), kept AS (
    SELECT geo_id, hour_utc, vertical, orders
    FROM core.demand_hourly
    WHERE hour_utc >= $1 AND hour_utc < $1 + interval '1 day' AND geo_id IN (SELECT geo_id FROM core.geo)
), compared AS (
    SELECT coalesce(sum(r.orders), 0) AS source_count, coalesce(sum(k.orders), 0) AS repository_count,
           coalesce(sum(abs(coalesce(r.orders, 0) - coalesce(k.orders, 0))), 0) AS difference,
           (array_agg(geo_id || ' ' || quality.instant_text(hour_utc) ORDER BY geo_id, hour_utc)
               FILTER (WHERE coalesce(r.orders, 0) <> coalesce(k.orders, 0)))[1:5] AS samples
    FROM recounted r FULL JOIN kept k USING (geo_id, hour_utc, vertical)
)
SELECT quality.record_reconciliation(($1 AT TIME ZONE 'UTC')::date, 'demand', 'demand_hourly', source_count,
                                     repository_count, difference, 0,
                                     'geo_id and hour: ' || array_to_string(samples, ', '))
FROM compared
