-- Geos of the staged page that are not known yet: they begin at their first hour. Their entities are there. Uses geo's
-- unique index on geo and entity's on (kind, key).
INSERT INTO features.geo (geo_id, geo, first_hour)
SELECT entity.entity_id, page.geo, min(page.hour)
FROM features.demand_page AS page
JOIN features.entity AS entity ON entity.kind = 'geo' AND entity.key = page.geo
WHERE NOT EXISTS (SELECT FROM features.geo AS known WHERE known.geo = page.geo)
GROUP BY entity.entity_id, page.geo
ORDER BY page.geo
