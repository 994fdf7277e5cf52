-- Known geos of the staged page: one may turn out to begin earlier, and hours that have features already are marked as
-- changed. Uses geo's unique index on geo.
UPDATE features.geo AS known
SET first_hour = least(known.first_hour, changed.first_hour),
    changed_from = CASE
        WHEN changed.first_hour <= known.computed_through THEN least(known.changed_from, changed.first_hour)
        ELSE known.changed_from
    END
FROM (SELECT geo, min(hour) AS first_hour FROM features.demand_page GROUP BY geo) AS changed
WHERE changed.geo = known.geo
    AND (changed.first_hour < known.first_hour
         OR (changed.first_hour <= known.computed_through
             AND (known.changed_from IS NULL OR changed.first_hour < known.changed_from)))
