-- The newest sets: $1 how many. Index forecast_set_received.
SELECT set_id, cutoff, issued_at, kind, hours, series_count, checksum, length_bytes, status, received_at, published_at,
       published_seq
FROM forecast.forecast_set
ORDER BY received_at DESC, set_id DESC
LIMIT $1
