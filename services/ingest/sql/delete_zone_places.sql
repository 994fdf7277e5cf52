-- No parameters.
DELETE FROM core.zone_place
