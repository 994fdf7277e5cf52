-- Demand as core.order_event has it now; hours without orders any more stay as zeros, so that followers see them; closed
-- hours go into the ledger. $1 commit_seq. Only under the lock of take_commit_lock.
WITH counted AS (
    SELECT geo_id, date_trunc('hour', occurred_at, 'UTC') AS hour_utc, vertical, count(*) AS orders
    FROM core.order_event
    WHERE event_type = 'order_created' AND geo_id IS NOT NULL
    GROUP BY 1, 2, 3
), changed AS (
    SELECT geo_id, hour_utc, vertical, coalesce(d.orders, 0) AS orders_were, coalesce(c.orders, 0) AS orders_are
    FROM counted c
    FULL JOIN core.demand_hourly d USING (geo_id, hour_utc, vertical)
    WHERE coalesce(d.orders, 0) <> coalesce(c.orders, 0)
), ledger AS (
    INSERT INTO core.demand_restatement (commit_seq, geo_id, hour_utc, vertical, orders_were, orders_are, why)
    SELECT $1, changed.*, 'zones'
    FROM changed
    WHERE hour_utc < (SELECT date_trunc('hour', watermark_at, 'UTC') FROM core.watermark)
)
INSERT INTO core.demand_hourly AS d (geo_id, hour_utc, vertical, orders, changed_seq)
SELECT geo_id, hour_utc, vertical, orders_are, $1 FROM changed
ON CONFLICT (geo_id, hour_utc, vertical) DO UPDATE
SET orders = excluded.orders, changed_seq = excluded.changed_seq
