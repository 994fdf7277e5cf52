-- What is wrong with the demand of a span: nothing, or words for it. $1 from, $2 to, $3 geo_id (null: all leaves).
-- Index: gap_pkey, reconciliation_pkey; the tables are small.
WITH RECURSIVE asked AS (
    SELECT geo_id, parent_id FROM core.geo WHERE geo_id = $3::int
    UNION ALL
    SELECT parent.geo_id, parent.parent_id FROM core.geo parent JOIN asked ON parent.geo_id = asked.parent_id
)
SELECT EXISTS (SELECT FROM quality.gap
               WHERE resolved_at IS NULL AND from_hour < $2 AND to_hour > $1
                 AND ($3::int IS NULL OR geo_id IN (SELECT geo_id FROM asked))),
       EXISTS (SELECT FROM quality.stream_gaps()
               WHERE filled_at IS NULL AND coalesce(from_event_at, '-infinity') < $2
                 AND coalesce(to_event_at, detected_at) >= $1),
       EXISTS (SELECT FROM quality.reconciliation
               WHERE source IN ('kafka', 'demand') AND state = 'differs'
                 AND day >= ($1 AT TIME ZONE 'UTC')::date AND day::timestamp AT TIME ZONE 'UTC' < $2)
