-- Stages a set; no row when the id is taken. $1 id, $2 cutoff, $3 issued at, $4 kind, $5 hours, $6 series, $7 checksum,
-- $8 length in bytes. Primary key.
INSERT INTO forecast.forecast_set (set_id, cutoff, issued_at, kind, hours, series_count, checksum, length_bytes)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (set_id) DO NOTHING
RETURNING set_id
