-- $1: kind, $2: keys as a JSON list. Text and number of those that are known. Uses entity's unique index on (kind, key)
-- for each key: LIMIT keeps the planner from comparing every key with every entity of the kind.
SELECT listed.key, known.entity_id
FROM jsonb_array_elements_text($2::jsonb) AS listed (key)
CROSS JOIN LATERAL (
    SELECT entity.entity_id FROM features.entity AS entity WHERE entity.kind = $1 AND entity.key = listed.key LIMIT 1
) AS known
