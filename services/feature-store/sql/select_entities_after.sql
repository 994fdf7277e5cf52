-- $1: kind, $2: entity_id, $3: how many. The next entities by number. Uses the primary key.
SELECT entity_id FROM features.entity WHERE kind = $1 AND entity_id > $2 ORDER BY entity_id LIMIT $3
