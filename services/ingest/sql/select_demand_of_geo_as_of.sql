-- As select_demand_of_geo, as it was when batch $5 was the newest. An event that waited for its place counts from the
-- batch that placed it. $1 geo_id, $2 from, $3 to, $4 vertical (null: all), $5 commit_seq.
-- Index: order_event_batch (brin, by occurred_at), batch_pkey, geo_parent.
WITH RECURSIVE member AS (
    SELECT $1::int AS geo_id
    UNION ALL
    SELECT g.geo_id FROM core.geo g JOIN member m ON g.parent_id = m.geo_id
)
SELECT 0::bigint, date_trunc('hour', e.occurred_at, 'UTC') AS hour_utc, count(*)
FROM core.order_event e JOIN raw.batch b ON b.batch_id = coalesce(e.placed_batch_id, e.batch_id)
WHERE e.event_type = 'order_created' AND e.occurred_at >= $2 AND e.occurred_at < $3 AND b.commit_seq <= $5
  AND e.geo_id IN (SELECT geo_id FROM member) AND ($4::text IS NULL OR e.vertical = $4::text::core.vertical)
GROUP BY hour_utc
ORDER BY hour_utc
