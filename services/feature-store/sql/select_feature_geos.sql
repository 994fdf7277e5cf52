-- All geos by number.
SELECT geo_id, geo FROM features.geo ORDER BY geo_id
