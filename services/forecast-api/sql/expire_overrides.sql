-- Ends the overrides whose time has come. $1 now. Index override_in_force. Under lock_forecast_revisions.
UPDATE forecast.override
SET ended_at = now(), ended_reason = 'expired', ended_revision = nextval('forecast.revision')
WHERE ended_revision IS NULL AND least(coalesce(expires_at, to_hour), to_hour) <= $1
