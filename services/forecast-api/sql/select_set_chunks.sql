-- The content of a set in order: $1 id. Primary key.
SELECT content, length_bytes
FROM forecast.set_chunk
WHERE set_id = $1
ORDER BY chunk
