-- Geos of the staged page that no view knows yet. A statement of its own: what another transaction adds meanwhile is
-- waited for here and seen by the next statement. Uses entity's unique index on (kind, key).
INSERT INTO features.entity (kind, key)
SELECT DISTINCT 'geo', page.geo
FROM features.demand_page AS page
WHERE NOT EXISTS (SELECT FROM features.entity AS known WHERE known.kind = 'geo' AND known.key = page.geo)
ORDER BY page.geo
ON CONFLICT DO NOTHING
