-- A further version to be prepared. $1 hash, $2 file.
INSERT INTO core.zone_version (version, hash, file, state)
SELECT max(version) + 1, $1, $2, 'prepared' FROM core.zone_version
RETURNING version::bigint
