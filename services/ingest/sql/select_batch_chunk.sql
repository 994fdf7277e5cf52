-- The last of the next batches that together hold about that many events. No row: there are no more.
-- $1 after this batch, $2 events, $3 most batches. Index: batch_pkey.
SELECT max(batch_id)
FROM (SELECT batch_id, sum(events) OVER (ORDER BY batch_id) - events AS before
      FROM (SELECT batch_id, events FROM raw.batch WHERE batch_id > $1 ORDER BY batch_id LIMIT $3) next) summed
WHERE before < $2
HAVING count(*) > 0
