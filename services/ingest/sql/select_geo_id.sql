-- $1 geo. Index: geo_geo_key.
SELECT geo_id::bigint, kind FROM core.geo WHERE geo = $1
