-- $1 run, $2 group, $3 champion, $4 series, $5 seconds, $6 scores. Primary key.
INSERT INTO training.backtest (run_id, series_group, method, series, seconds, scores)
VALUES ($1::bigint, $2::text, $3::text, $4::int, $5::float8, $6::text::jsonb)
ON CONFLICT (run_id, series_group) DO UPDATE
SET method = excluded.method, series = excluded.series, seconds = excluded.seconds, scores = excluded.scores,
    recorded_at = now()
