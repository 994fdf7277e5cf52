-- Events that came with their place. $1 version. Index: zone_place_pkey.
UPDATE core.order_event e
SET geo_id = z.geo_id
FROM core.zone_place z
WHERE z.version = $1 AND z.lat = e.lat AND z.lon = e.lon AND e.geo_id IS DISTINCT FROM z.geo_id
