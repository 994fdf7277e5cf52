-- The version's file while it is to be prepared and none is newer. $1 version. Index: zone_version_pkey.
SELECT file
FROM core.zone_version
WHERE version = $1 AND state = 'prepared' AND version = (SELECT max(version) FROM core.zone_version)
