-- $1: kind, $2: keys as a JSON list. Text and number of those that are known. Uses entity's unique index on (kind, key).
SELECT entity.key, entity.entity_id
FROM jsonb_array_elements_text($2::jsonb) AS listed (key)
JOIN features.entity AS entity ON entity.kind = $1 AND entity.key = listed.key
