-- Whether there is any. $1 source, $2 entity. Index: quarantine_open.
SELECT quarantine_id FROM raw.quarantine WHERE source = $1 AND entity = $2 AND resolved_at IS NULL LIMIT 1
