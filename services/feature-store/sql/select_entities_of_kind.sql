-- $1: kind. All its entities by number.
SELECT entity_id, key FROM features.entity WHERE kind = $1 ORDER BY entity_id
