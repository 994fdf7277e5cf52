-- Partitions for today and the days after it. $1 days after today.
SELECT raw.ensure_payload_partitions(today, today + $1::int)
FROM (SELECT (now() AT TIME ZONE 'UTC')::date AS today) clock
