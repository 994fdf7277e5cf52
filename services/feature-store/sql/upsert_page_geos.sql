-- Geos of the staged page: new ones begin at their first hour; hours that already have features are marked as changed.
-- Uses geo's unique index on geo.
INSERT INTO features.geo AS known (geo, first_hour)
SELECT geo, min(hour) FROM features.demand_page GROUP BY geo ORDER BY geo
ON CONFLICT (geo) DO UPDATE SET
    first_hour = least(known.first_hour, excluded.first_hour),
    changed_from = CASE
        WHEN excluded.first_hour <= known.computed_through THEN least(known.changed_from, excluded.first_hour)
        ELSE known.changed_from
    END
