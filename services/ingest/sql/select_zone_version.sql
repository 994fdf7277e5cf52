-- $1 version. Index: zone_version_pkey.
SELECT state, file, switched_seq, version = (SELECT max(version) FROM core.zone_version)
FROM core.zone_version
WHERE version = $1
