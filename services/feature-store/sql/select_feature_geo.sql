-- $1: geo. Uses geo's unique index on geo.
SELECT geo_id FROM features.geo WHERE geo = $1
