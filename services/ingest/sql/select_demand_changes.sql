-- A page of changed counts: up to $2 rows and the rest of the batch that the last of them belongs to, so that the
-- cursor is a whole batch. $1 cursor, $2 rows. Index: demand_hourly_changed. Materialized: right after much was loaded
-- the statistics let the page look like one row, which would be computed again for each row of the other side.
WITH page AS MATERIALIZED (
    SELECT max(changed_seq) AS last_seq
    FROM (SELECT changed_seq FROM core.demand_hourly WHERE changed_seq > $1 ORDER BY changed_seq LIMIT $2) first_rows
)
SELECT g.geo, d.hour_utc, d.vertical::text, d.orders, d.changed_seq
FROM page
JOIN core.demand_hourly d ON d.changed_seq > $1 AND d.changed_seq <= page.last_seq
JOIN core.geo g USING (geo_id)
ORDER BY d.changed_seq, g.geo, d.hour_utc, d.vertical
