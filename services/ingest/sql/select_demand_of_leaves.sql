-- Hours of all leaf geos in the order of their names. $1 from, $2 to, $3 vertical (null: all).
SELECT d.geo_id::bigint, d.hour_utc, sum(d.orders)::bigint
FROM core.demand_hourly d JOIN core.geo g USING (geo_id)
WHERE d.hour_utc >= $1 AND d.hour_utc < $2 AND ($3::text IS NULL OR d.vertical = $3::text::core.vertical)
GROUP BY g.geo, d.geo_id, d.hour_utc
ORDER BY g.geo, d.hour_utc
