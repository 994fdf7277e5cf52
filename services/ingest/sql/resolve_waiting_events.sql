-- Places the waiting events whose branch is known by now and sums what they add to demand. Only under the lock of
-- take_commit_lock: two transactions, one bringing the event and one the branch, then never miss each other.
-- $1 batch. Index: waiting_event_branch, order_event_pkey.
WITH located AS (
    DELETE FROM raw.waiting_event w USING core.branch_location b
    WHERE b.branch_id = w.branch_id
    RETURNING w.order_id, w.event_type, b.geo_id
), placed AS (
    UPDATE core.order_event e SET geo_id = l.geo_id, placed_batch_id = $1
    FROM located l
    WHERE e.order_id = l.order_id AND e.event_type = l.event_type
    RETURNING e.event_type, e.geo_id, e.occurred_at, e.vertical
)
SELECT geo_id::bigint, date_trunc('hour', occurred_at, 'UTC'), vertical::text, count(*)
FROM placed
WHERE event_type = 'order_created'
GROUP BY 1, 2, 3
