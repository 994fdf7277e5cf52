-- A page of the ledger: up to $6 rows and the rest of the batch that the last of them belongs to. $1 cursor, $2 geo_id
-- (null: all; a parent's are those of the leaves below it), $3 from, $4 to (null: open), $5 why (null: all), $6 rows.
-- Index: demand_restatement_seq.
WITH RECURSIVE member AS (
    SELECT $2::int AS geo_id
    UNION ALL
    SELECT g.geo_id FROM core.geo g JOIN member m ON g.parent_id = m.geo_id
), wanted AS MATERIALIZED (
    SELECT r.*
    FROM core.demand_restatement r
    WHERE r.commit_seq > $1 AND ($2::bigint IS NULL OR r.geo_id IN (SELECT geo_id FROM member))
      AND ($3::timestamptz IS NULL OR r.hour_utc >= $3) AND ($4::timestamptz IS NULL OR r.hour_utc < $4)
      AND ($5::text IS NULL OR r.why = $5)
), page AS (
    SELECT max(commit_seq) AS last_seq, max(commit_seq) < (SELECT max(commit_seq) FROM wanted) AS more
    FROM (SELECT commit_seq FROM wanted ORDER BY commit_seq LIMIT $6) first_rows
)
SELECT g.geo, w.hour_utc, w.vertical::text, w.orders_were, w.orders_are, w.why, w.restated_at, w.commit_seq, page.more
FROM page
JOIN wanted w ON w.commit_seq <= page.last_seq
JOIN core.geo g USING (geo_id)
ORDER BY w.commit_seq, g.geo, w.hour_utc, w.vertical
