-- No parameters.
SELECT geo_id::bigint, geo FROM core.geo WHERE kind IN ('cell', 'zone') ORDER BY geo
