-- One override: $1 id. Primary key.
SELECT override_id, geo, scope, vertical, kind, value, from_hour, to_hour, reason, author, created_at, expires_at, ended_at,
       ended_by, ended_reason, greatest(created_revision, coalesce(ended_revision, 0)) AS revision, created_revision
FROM forecast.override
WHERE override_id = $1
