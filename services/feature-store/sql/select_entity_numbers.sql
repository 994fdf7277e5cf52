-- $1: kind, $2: keys as an array literal. Their numbers, in the order of the array. Uses entity's unique index on
-- (kind, key).
SELECT entity.entity_id
FROM unnest($2::text[]) WITH ORDINALITY AS page (key, number)
JOIN features.entity AS entity ON entity.kind = $1 AND entity.key = page.key
ORDER BY page.number
