-- Drops the content of hourly sets received more than $1 days ago, and of sets never published after a day; the set
-- being served and the one before it are kept. Index forecast_set_received.
DELETE FROM forecast.set_chunk c
USING forecast.forecast_set s
WHERE s.set_id = c.set_id
  AND ((s.kind = 'hourly' AND s.received_at < now() - make_interval(days => $1::bigint::int))
       OR (s.status = 'staged' AND s.received_at < now() - interval '1 day'))
  AND s.set_id NOT IN (SELECT set_id FROM forecast.forecast_set WHERE published_seq IS NOT NULL
                       ORDER BY published_seq DESC LIMIT 2)
  AND s.status <> 'published'
