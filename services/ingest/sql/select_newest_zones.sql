-- The newest version of the zones, prepared or present. No parameters. Index: zone_version_pkey.
SELECT version::bigint, hash FROM core.zone_version ORDER BY version DESC LIMIT 1
