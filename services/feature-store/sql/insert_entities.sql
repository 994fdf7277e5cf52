-- $1: kind, $2: keys as an array literal. Those that are not known yet, in their order: two transactions that add the
-- same ones wait for each other instead of dying. A statement of its own: what another transaction adds meanwhile is
-- seen by the next one. Uses entity's unique index on (kind, key).
INSERT INTO features.entity (kind, key)
SELECT DISTINCT $1::text, page.key
FROM unnest($2::text[]) AS page (key)
WHERE NOT EXISTS (SELECT FROM features.entity AS known WHERE known.kind = $1 AND known.key = page.key)
ORDER BY page.key
ON CONFLICT DO NOTHING
