-- $1 version. Index: zone_place_pkey.
UPDATE core.branch_location b
SET geo_id = z.geo_id
FROM core.zone_place z
WHERE z.version = $1 AND z.lat = b.lat AND z.lon = b.lon AND b.geo_id <> z.geo_id
