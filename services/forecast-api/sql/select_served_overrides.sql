-- Overrides in force, newest first, then those that ended since publication $1 (they raised their geos' revision).
-- Indexes override_in_force and override_ended.
SELECT override_id, geo, scope, vertical, kind, value, from_hour, to_hour, ended_revision IS NULL,
       coalesce(ended_revision, created_revision) AS revision
FROM forecast.override
WHERE ended_revision IS NULL OR ended_revision > $1
ORDER BY ended_revision IS NOT NULL, created_revision DESC
LIMIT 20000
