-- What the batches of a day say they recorded against the rows that are there. $1 start of the day.
-- Index: batch_committed, order_event_batch (brin), duplicate_event_pkey, dead_letter_received.
WITH day_batch AS MATERIALIZED (
    SELECT batch_id, source, events, duplicates, dead_letters
    FROM raw.batch
    WHERE source IN ('kafka', 'backfill', 'dead-letters') AND committed_at >= $1 AND committed_at < $1 + interval '1 day'
), span AS (
    SELECT coalesce(min(batch_id), 1) AS first_id, coalesce(max(batch_id), 0) AS last_id FROM day_batch
), counted AS (
    SELECT 'events' AS subject, (SELECT coalesce(sum(events), 0) FROM day_batch) AS source_count,
           (SELECT count(*) FROM core.order_event
            WHERE batch_id >= (SELECT first_id FROM span) AND batch_id <= (SELECT last_id FROM span)
              AND batch_id IN (SELECT batch_id FROM day_batch)) AS repository_count
    UNION ALL
    SELECT 'duplicates', (SELECT coalesce(sum(duplicates), 0) FROM day_batch),
           (SELECT count(*) FROM raw.duplicate_event
            WHERE batch_id >= (SELECT first_id FROM span) AND batch_id <= (SELECT last_id FROM span)
              AND batch_id IN (SELECT batch_id FROM day_batch))
    UNION ALL
    SELECT 'dead letters', (SELECT coalesce(sum(dead_letters), 0) FROM day_batch WHERE source <> 'dead-letters'),
           (SELECT count(*) FROM raw.dead_letter
            WHERE received_at >= $1 AND received_at < $1 + interval '1 day'
              AND batch_id IN (SELECT batch_id FROM day_batch WHERE source <> 'dead-letters'))
)
SELECT quality.record_reconciliation(($1 AT TIME ZONE 'UTC')::date, 'kafka', subject, source_count, repository_count,
                                     source_count - repository_count, 0, NULL)
FROM counted
