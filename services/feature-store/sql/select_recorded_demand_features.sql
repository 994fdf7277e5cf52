-- $1: geo_id, $2: first hour, $3: last hour. Newest features of each hour. Uses geo_demand_newest.
SELECT DISTINCT ON (hour)
    hour, orders, restaurant, goods, orders_3h, orders_24h, orders_168h,
    same_hour_1w, same_hour_2w, same_hour_3w, same_hour_4w, trend
FROM features.geo_demand
WHERE geo_id = $1 AND hour BETWEEN $2 AND $3
ORDER BY hour, recorded_seq DESC
