-- Says anew what is known of a zone. $1 zone, $2 name, $3 time zone, $4 country, $5 lat, $6 lon, $7 parent geo.
-- Index: geo_geo_key.
UPDATE core.geo
SET name = $2, timezone = $3, country = $4, lat = $5, lon = $6,
    parent_id = (SELECT geo_id FROM core.geo WHERE geo = $7)
WHERE geo = $1
