-- Keys of the newest batches, to recognize repetitions after a start. $1 how many at most.
-- Index: order_event_batch (brin).
SELECT order_id, event_type::text
FROM core.order_event
WHERE batch_id > coalesce(
    (SELECT min(batch_id) - 1
     FROM (SELECT batch_id, sum(events) OVER (ORDER BY batch_id DESC) AS events_since
           FROM (SELECT batch_id, events FROM raw.batch ORDER BY batch_id DESC LIMIT 1000) newest) counted
     WHERE events_since <= $1), 0)
LIMIT $1
