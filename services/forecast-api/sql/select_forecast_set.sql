-- One set: $1 id. Primary key.
SELECT set_id, cutoff, issued_at, kind, hours, series_count, checksum, length_bytes, status, received_at, published_at,
       published_seq
FROM forecast.forecast_set
WHERE set_id = $1
