-- $1 branch, $2 geo_id, $3 lat, $4 lon, $5 located at, $6 batch, $7 source. Index: branch_location_pkey.
INSERT INTO core.branch_location AS b (branch_id, geo_id, lat, lon, located_at, source, batch_id)
VALUES ($1, $2::int, $3, $4, $5, $7, $6)
ON CONFLICT (branch_id) DO UPDATE
SET geo_id = excluded.geo_id, lat = excluded.lat, lon = excluded.lon, located_at = excluded.located_at,
    source = excluded.source, batch_id = excluded.batch_id, recorded_at = now()
WHERE b.located_at <= excluded.located_at
