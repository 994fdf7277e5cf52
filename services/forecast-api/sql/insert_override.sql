-- Makes an override; no row when the id is taken. $1 id, $2 geo, $3 scope, $4 vertical, $5 kind, $6 value, $7 from,
-- $8 to, $9 reason, $10 author, $11 expires at. Primary key. Under lock_forecast_revisions.
INSERT INTO forecast.override (override_id, geo, scope, vertical, kind, value, from_hour, to_hour, reason, author,
                               expires_at, created_revision)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, nextval('forecast.revision'))
ON CONFLICT (override_id) DO NOTHING
RETURNING override_id
