-- Registers a geo unless it is known; parents come first. $1 geo, $2 name, $3 kind, $4 time zone, $5 country, $6 lat,
-- $7 lon, $8 parent geo. Index: geo_geo_key.
INSERT INTO core.geo (geo, name, kind, timezone, country, lat, lon, parent_id, geo_version)
SELECT $1, $2, $3, $4, $5, $6, $7, (SELECT geo_id FROM core.geo WHERE geo = $8),
       (SELECT geo_version FROM core.watermark)
WHERE NOT EXISTS (SELECT FROM core.geo WHERE geo = $1)
ON CONFLICT (geo) DO NOTHING
