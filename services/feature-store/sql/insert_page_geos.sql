-- Geos of the staged page that are not known yet: they begin at their first hour. (Not an upsert: that would use up a
-- number for every known geo of every page.) Uses geo's unique index on geo.
INSERT INTO features.geo (geo, first_hour)
SELECT page.geo, min(page.hour)
FROM features.demand_page AS page
WHERE NOT EXISTS (SELECT FROM features.geo AS known WHERE known.geo = page.geo)
GROUP BY page.geo
ORDER BY page.geo
