-- No parameters. Index: zone_version_present.
UPDATE core.zone_version SET state = 'past' WHERE state = 'present'
