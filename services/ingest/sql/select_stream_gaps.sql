-- Newest first. $1 only this one (null: all), $2 only those that are open (true) or filled (false; null: both), $3 before
-- this one, $4 how many. Index: stream_gap_pkey.
SELECT gap_id, topic, partition::bigint, from_offset, to_offset, from_event_at, to_event_at, detected_at, filled_at,
       filled_by
FROM raw.stream_gap
WHERE ($1::bigint IS NULL OR gap_id = $1) AND ($2::boolean IS NULL OR (filled_at IS NULL) = $2) AND gap_id < $3
ORDER BY gap_id DESC
LIMIT $4
