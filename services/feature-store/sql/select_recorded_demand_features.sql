-- $1: entity_id, $2: first event timestamp, $3: last one. Newest features of each. Uses geo_demand_v1_newest.
SELECT DISTINCT ON (event_timestamp)
    event_timestamp, orders, restaurant, goods, orders_3h, orders_24h, orders_168h,
    same_hour_1w, same_hour_2w, same_hour_3w, same_hour_4w, trend
FROM features.geo_demand_v1
WHERE entity_id = $1 AND event_timestamp BETWEEN $2 AND $3
ORDER BY event_timestamp, recorded_seq DESC
