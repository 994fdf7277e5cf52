-- Overrides in the order they were made: $1 only those of this geo (null: any), $2 ended ones too, $3 after this
-- creation, $4 how many. Indexes override_in_force and override_created.
SELECT override_id, geo, scope, vertical, kind, value, from_hour, to_hour, reason, author, created_at, expires_at, ended_at,
       ended_by, ended_reason, greatest(created_revision, coalesce(ended_revision, 0)) AS revision, created_revision
FROM forecast.override
WHERE ($1::text IS NULL OR geo = $1) AND ($2 OR ended_revision IS NULL) AND created_revision > $3
ORDER BY created_revision
LIMIT $4
