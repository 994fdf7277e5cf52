-- Gives `all` the place of the first leaf when no service area says where the company is.
-- $1 time zone, $2 country, $3 lat, $4 lon. Index: geo_geo_key.
UPDATE core.geo SET timezone = $1, country = $2, lat = $3, lon = $4 WHERE geo = 'all' AND lat IS NULL
