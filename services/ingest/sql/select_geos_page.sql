-- $1 after this geo ('' from the start), $2 how many. Index: geo_geo_key, demand_hourly_pkey. The first hour of a
-- parent is the earliest of its leaves.
SELECT g.geo, g.name, g.kind, g.timezone, g.country, g.lat, g.lon, parent.geo, g.geo_version::bigint, first.hour
FROM core.geo g
LEFT JOIN core.geo parent ON parent.geo_id = g.parent_id
LEFT JOIN LATERAL (
    SELECT min(earliest.hour_utc) AS hour
    FROM core.geo leaf
    CROSS JOIN LATERAL (
        SELECT hour_utc FROM core.demand_hourly d WHERE d.geo_id = leaf.geo_id ORDER BY hour_utc LIMIT 1) earliest
    WHERE leaf.geo_id = g.geo_id OR (g.kind = 'city' AND leaf.parent_id = g.geo_id)
       OR (g.kind = 'all' AND leaf.kind IN ('cell', 'zone'))
) first ON true
WHERE g.geo > $1
ORDER BY g.geo
LIMIT $2
