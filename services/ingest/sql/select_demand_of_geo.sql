-- Hours of one geo, a parent's as the sum of the leaves below it. $1 geo_id, $2 from, $3 to, $4 vertical (null: all).
-- Index: geo_parent, demand_hourly_pkey.
WITH RECURSIVE member AS (
    SELECT $1::int AS geo_id
    UNION ALL
    SELECT g.geo_id FROM core.geo g JOIN member m ON g.parent_id = m.geo_id
)
SELECT 0::bigint, d.hour_utc, sum(d.orders)::bigint
FROM core.demand_hourly d
WHERE d.geo_id IN (SELECT geo_id FROM member) AND d.hour_utc >= $2 AND d.hour_utc < $3
  AND ($4::text IS NULL OR d.vertical = $4::text::core.vertical)
GROUP BY d.hour_utc
ORDER BY d.hour_utc
