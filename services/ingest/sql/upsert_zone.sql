-- Registers a zone or says anew what is known of it. $1 zone, $2 name, $3 time zone, $4 country, $5 lat, $6 lon,
-- $7 parent geo. Index: geo_geo_key.
INSERT INTO core.geo AS g (geo, name, kind, timezone, country, lat, lon, parent_id)
SELECT $1, $2, 'zone', $3, $4, $5, $6, (SELECT geo_id FROM core.geo WHERE geo = $7)
ON CONFLICT (geo) DO UPDATE
SET name = excluded.name, timezone = excluded.timezone, country = excluded.country, lat = excluded.lat,
    lon = excluded.lon, parent_id = excluded.parent_id
WHERE (g.name, g.timezone, g.country, g.lat, g.lon, g.parent_id)
    IS DISTINCT FROM (excluded.name, excluded.timezone, excluded.country, excluded.lat, excluded.lon, excluded.parent_id)
