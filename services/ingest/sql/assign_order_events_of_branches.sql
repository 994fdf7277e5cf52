-- Events that took their branch's place. No parameters. Index: branch_location_pkey.
UPDATE core.order_event e
SET geo_id = b.geo_id
FROM core.branch_location b
WHERE e.lat IS NULL AND e.geo_id IS NOT NULL AND b.branch_id = e.branch_id AND e.geo_id <> b.geo_id
