-- Open ones that may have become good, the longest untried first. $1 source, $2 limit. Index: quarantine_open.
SELECT quarantine_id, entity, change::text, original
FROM (SELECT * FROM raw.quarantine
      WHERE source = $1 AND resolved_at IS NULL AND rule <> 'unreadable'
      ORDER BY tried_at, quarantine_id LIMIT $2) AS longest
ORDER BY entity, quarantine_id
