-- Ends an override in force: $1 id, $2 who, $3 why. Primary key. Under lock_forecast_revisions.
UPDATE forecast.override
SET ended_at = now(), ended_by = $2, ended_reason = $3, ended_revision = nextval('forecast.revision')
WHERE override_id = $1 AND ended_revision IS NULL
RETURNING override_id
