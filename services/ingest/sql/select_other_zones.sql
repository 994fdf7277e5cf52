-- The present division unless it has version $1. Index: zone_version_present.
SELECT version::bigint, file FROM core.zone_version WHERE state = 'present' AND version <> $1
