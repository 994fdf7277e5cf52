-- The set being served gives way: $1 its new status (superseded or withdrawn). Index forecast_set_published.
UPDATE forecast.forecast_set SET status = $1 WHERE status = 'published' RETURNING set_id
