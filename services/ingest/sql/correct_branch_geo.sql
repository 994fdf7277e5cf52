-- $1 branch, $2 lat, $3 lon, $4 geo_id. Index: branch_location_pkey.
UPDATE core.branch_location SET geo_id = $4 WHERE branch_id = $1 AND lat = $2 AND lon = $3
