-- As select_demand_of_leaves, as it was when batch $4 was the newest. An event that waited for its place counts from the
-- batch that placed it. $1 from, $2 to, $3 vertical (null: all), $4 commit_seq.
-- Index: order_event_batch (brin, by occurred_at), batch_pkey.
SELECT e.geo_id::bigint, date_trunc('hour', e.occurred_at, 'UTC') AS hour_utc, count(*)
FROM core.order_event e
JOIN raw.batch b ON b.batch_id = coalesce(e.placed_batch_id, e.batch_id)
JOIN core.geo g USING (geo_id)
WHERE e.event_type = 'order_created' AND e.occurred_at >= $1 AND e.occurred_at < $2 AND b.commit_seq <= $4
  AND ($3::text IS NULL OR e.vertical = $3::text::core.vertical)
GROUP BY g.geo, e.geo_id, hour_utc
ORDER BY g.geo, hour_utc
