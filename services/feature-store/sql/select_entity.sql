-- $1: kind, $2: key. Uses entity's unique index on (kind, key).
SELECT entity_id FROM features.entity WHERE kind = $1 AND key = $2
