-- $1: last complete hour, $2: geo_id after which to go on, $3: most rows. Geos that lack features through that hour or
-- whose counts changed since. Uses geo's primary key.
SELECT geo_id, first_hour, computed_through, changed_from
FROM features.geo
WHERE geo_id > $2 AND first_hour <= $1
    AND (computed_through IS NULL OR computed_through < $1 OR changed_from IS NOT NULL)
ORDER BY geo_id
LIMIT $3
