-- The oldest first. $1 before, $2 most rows. Index: duplicate_event_pkey.
DELETE FROM raw.duplicate_event
WHERE ctid = ANY (ARRAY(SELECT ctid FROM raw.duplicate_event WHERE received_at < $1 ORDER BY batch_id LIMIT $2))
