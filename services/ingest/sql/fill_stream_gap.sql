-- $1 gap, $2 job. Index: stream_gap_pkey.
UPDATE raw.stream_gap SET filled_at = now(), filled_by = $2 WHERE gap_id = $1 AND filled_at IS NULL
