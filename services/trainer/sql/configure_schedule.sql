-- When the daily training is due. $1 time zone, $2 local hour, $3 grace of the hourly forecast in seconds. Primary key.
UPDATE training.schedule
SET timezone = CASE WHEN schedule = 'daily-training' THEN $1::text END,
    local_time = CASE WHEN schedule = 'daily-training' THEN make_time($2::int, 0, 0) END,
    grace = CASE WHEN schedule = 'hourly-forecast' THEN make_interval(secs => $3::float8) END
WHERE schedule IN ('daily-training', 'hourly-forecast')
