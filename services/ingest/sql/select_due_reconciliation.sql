-- The oldest day that is to be reconciled, and with which source; no row: none. Days of event time are finished when the
-- watermark has passed them; they are looked at again when they have changed since, once in 20 hours.
-- $1 now, $2 days to look back, $3 company-sql is read, $4 company-documents is read.
-- Index: batch_committed, demand_hourly_changed, reconciliation_pkey.
WITH clock AS (
    SELECT ($1 AT TIME ZONE 'UTC')::date AS today,
           (SELECT (watermark_at AT TIME ZONE 'UTC')::date FROM core.watermark) AS event_today,
           (SELECT (first_hour AT TIME ZONE 'UTC')::date FROM core.watermark) AS first_event_day,
           (SELECT (committed_at AT TIME ZONE 'UTC')::date FROM raw.batch ORDER BY commit_seq LIMIT 1) AS first_day
), due AS (
    SELECT 'kafka' AS source, day::date AS day
    FROM clock, generate_series(greatest(first_day, today - $2::int), today - 1, interval '1 day') day
    UNION ALL
    SELECT 'demand', day::date
    FROM clock, generate_series(greatest(first_event_day, event_today - $2::int), event_today - 1, interval '1 day') day
    UNION ALL
    SELECT source, today - 1
    FROM clock, (VALUES ('company-sql', $3::boolean), ('company-documents', $4::boolean)) configured (source, is_read)
    WHERE is_read
), missing AS (
    SELECT d.source, d.day FROM due d
    WHERE NOT EXISTS (SELECT FROM quality.reconciliation r WHERE r.day = d.day AND r.source = d.source)
), repeated AS (
    SELECT r.source, r.day FROM quality.reconciliation r, clock
    WHERE r.next_check_at <= now() AND r.day >= least(event_today, today) - $2::int
      AND (r.source <> 'company-sql' OR $3) AND (r.source <> 'company-documents' OR $4)
), restated AS (
    SELECT 'demand' AS source, r.day
    FROM (SELECT (d.hour_utc AT TIME ZONE 'UTC')::date AS day, max(d.changed_seq) AS changed_seq
          FROM core.demand_hourly d
          WHERE d.changed_seq > (SELECT coalesce(max(commit_seq), 0) FROM quality.reconciliation
                                 WHERE source = 'demand' AND checked_at < now() - interval '2 days')
          GROUP BY 1) changed
    JOIN quality.reconciliation r ON r.day = changed.day AND r.source = 'demand' AND r.commit_seq < changed.changed_seq
    WHERE r.checked_at < now() - interval '20 hours'
)
SELECT source, day::timestamp AT TIME ZONE 'UTC'
FROM (SELECT * FROM missing UNION ALL SELECT * FROM repeated UNION ALL SELECT * FROM restated) wanted
ORDER BY day, source
LIMIT 1
