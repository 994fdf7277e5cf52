-- Orders of each hour that has any, for `all` and the cities. $1 from, $2 to. Index: demand_hourly_pkey, by each leaf.
WITH hourly AS MATERIALIZED (
    SELECT leaf.parent_id, d.hour_utc, sum(d.orders)::bigint AS orders
    FROM core.geo leaf
    JOIN core.demand_hourly d ON d.geo_id = leaf.geo_id AND d.hour_utc >= $1 AND d.hour_utc < $2
    WHERE leaf.kind IN ('cell', 'zone')
    GROUP BY leaf.parent_id, d.hour_utc
)
SELECT g.geo_id::bigint, h.hour_utc, sum(h.orders)::bigint
FROM core.geo g JOIN hourly h ON g.kind = 'all' OR h.parent_id = g.geo_id
WHERE g.kind IN ('all', 'city')
GROUP BY g.geo_id, h.hour_utc
ORDER BY g.geo_id, h.hour_utc
