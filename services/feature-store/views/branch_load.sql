-- $1: now. Load of each branch with an order in the last 24 hours. Uses the key of core.order_event by its span of
-- created_at.
SELECT o.branch_id,
    $1::timestamptz AS event_timestamp,
    count(*) FILTER (WHERE o.status IN ('created', 'accepted')) AS waiting,
    count(*) FILTER (WHERE o.status = 'picked_up') AS on_the_way,
    count(*) FILTER (WHERE o.created_at > $1::timestamptz - interval '1 hour') AS orders_1h,
    count(*) AS orders_24h,
    avg(extract(epoch FROM o.picked_up_at - o.created_at))
        FILTER (WHERE o.picked_up_at >= o.created_at)::float8 AS seconds_to_pick_up,
    count(*) FILTER (WHERE o.status = 'cancelled')::float8 / count(*) AS cancelled_share
FROM warehouse."order" AS o
WHERE o.created_at > $1::timestamptz - interval '24 hours' AND o.created_at <= $1::timestamptz
    AND o.branch_id IS NOT NULL
GROUP BY o.branch_id
