-- What completeness is looked for in: the last complete hour, and the first with an order. No parameters.
SELECT date_trunc('hour', watermark_at, 'UTC') - interval '1 hour', first_hour FROM core.watermark
