-- Orders as a whole, counts as of an earlier batch, gaps of the stream and what fills them, dead letters tried again.
ALTER TABLE core.order_event ADD COLUMN placed_batch_id bigint;
COMMENT ON COLUMN core.order_event.placed_batch_id IS
    'Batch that brought the place it had waited for, from which on it counts; null: it had its place when it came';

-- One index for both: what comes together happened at about the same time, and a second index would cost each row more.
DROP INDEX core.order_event_batch;
CREATE INDEX order_event_batch ON core.order_event USING brin (batch_id, occurred_at)
    WITH (pages_per_range = 64, autosummarize);

-- A step that took place before one that must precede it is named in `problems`, the step itself is kept as it was sent.
CREATE VIEW core."order" AS
WITH life AS (
    SELECT c.order_id, c.occurred_at AS created_at, s.accepted_at, s.picked_up_at, s.delivered_at, s.cancelled_at,
           coalesce(c.geo_id, s.geo_id) AS geo_id, coalesce(c.branch_id, s.branch_id) AS branch_id,
           CASE c.vertical WHEN 'unknown' THEN coalesce(s.vertical, 'unknown') ELSE c.vertical END AS vertical,
           coalesce(c.customer_id, s.customer_id) AS customer_id,
           coalesce(c.total_amount, s.total_amount) AS total_amount, coalesce(c.currency, s.currency) AS currency
    FROM core.order_event c
    CROSS JOIN LATERAL (
        SELECT min(o.occurred_at) FILTER (WHERE o.event_type = 'order_accepted') AS accepted_at,
               min(o.occurred_at) FILTER (WHERE o.event_type = 'order_picked_up') AS picked_up_at,
               min(o.occurred_at) FILTER (WHERE o.event_type = 'order_delivered') AS delivered_at,
               min(o.occurred_at) FILTER (WHERE o.event_type = 'order_cancelled') AS cancelled_at,
               (array_agg(o.geo_id ORDER BY o.occurred_at) FILTER (WHERE o.geo_id IS NOT NULL))[1] AS geo_id,
               (array_agg(o.branch_id ORDER BY o.occurred_at) FILTER (WHERE o.branch_id IS NOT NULL))[1] AS branch_id,
               (array_agg(o.vertical ORDER BY o.occurred_at) FILTER (WHERE o.vertical <> 'unknown'))[1] AS vertical,
               (array_agg(o.customer_id ORDER BY o.occurred_at)
                   FILTER (WHERE o.customer_id IS NOT NULL))[1] AS customer_id,
               (array_agg(o.total_amount ORDER BY o.occurred_at DESC)
                   FILTER (WHERE o.total_amount IS NOT NULL))[1] AS total_amount,
               (array_agg(o.currency ORDER BY o.occurred_at DESC) FILTER (WHERE o.currency IS NOT NULL))[1] AS currency
        FROM core.order_event o
        WHERE o.order_id = c.order_id AND o.event_type <> 'order_created') s
    WHERE c.event_type = 'order_created'
    UNION ALL
    SELECT o.order_id, NULL,
           min(o.occurred_at) FILTER (WHERE o.event_type = 'order_accepted'),
           min(o.occurred_at) FILTER (WHERE o.event_type = 'order_picked_up'),
           min(o.occurred_at) FILTER (WHERE o.event_type = 'order_delivered'),
           min(o.occurred_at) FILTER (WHERE o.event_type = 'order_cancelled'),
           (array_agg(o.geo_id ORDER BY o.occurred_at) FILTER (WHERE o.geo_id IS NOT NULL))[1],
           (array_agg(o.branch_id ORDER BY o.occurred_at) FILTER (WHERE o.branch_id IS NOT NULL))[1],
           coalesce((array_agg(o.vertical ORDER BY o.occurred_at) FILTER (WHERE o.vertical <> 'unknown'))[1],
                    'unknown'),
           (array_agg(o.customer_id ORDER BY o.occurred_at) FILTER (WHERE o.customer_id IS NOT NULL))[1],
           (array_agg(o.total_amount ORDER BY o.occurred_at DESC) FILTER (WHERE o.total_amount IS NOT NULL))[1],
           (array_agg(o.currency ORDER BY o.occurred_at DESC) FILTER (WHERE o.currency IS NOT NULL))[1]
    FROM core.order_event o
    WHERE o.event_type <> 'order_created'
      AND NOT EXISTS (SELECT FROM core.order_event c WHERE c.order_id = o.order_id AND c.event_type = 'order_created')
    GROUP BY o.order_id
)
SELECT order_id,
       CASE WHEN cancelled_at >= coalesce(delivered_at, cancelled_at) THEN 'cancelled'
            WHEN delivered_at IS NOT NULL THEN 'delivered'
            WHEN picked_up_at IS NOT NULL THEN 'picked_up'
            WHEN accepted_at IS NOT NULL THEN 'accepted'
            ELSE 'created' END AS status,
       created_at, accepted_at, picked_up_at, delivered_at, cancelled_at, geo_id, branch_id, vertical, customer_id,
       total_amount, currency,
       array_remove(ARRAY[
           CASE WHEN created_at IS NULL THEN 'never_created' END,
           CASE WHEN accepted_at < created_at THEN 'accepted_too_early' END,
           CASE WHEN picked_up_at < greatest(created_at, accepted_at) THEN 'picked_up_too_early' END,
           CASE WHEN delivered_at < greatest(created_at, accepted_at, picked_up_at) THEN 'delivered_too_early' END,
           CASE WHEN cancelled_at < created_at THEN 'cancelled_too_early' END,
           CASE WHEN delivered_at IS NOT NULL AND cancelled_at IS NOT NULL THEN 'delivered_and_cancelled' END],
           NULL) AS problems
FROM life;
COMMENT ON VIEW core."order" IS
    'Orders as a whole, put together from the steps in core.order_event in whatever order these came. Look up by '
    'order_id, or by a span of created_at';
CREATE VIEW warehouse."order" AS
    SELECT o.order_id, o.status, o.created_at, o.accepted_at, o.picked_up_at, o.delivered_at, o.cancelled_at, g.geo,
           o.branch_id, o.vertical, o.customer_id, o.total_amount, o.currency, o.problems
    FROM core."order" o LEFT JOIN core.geo g USING (geo_id);
COMMENT ON VIEW warehouse."order" IS
    'Orders as a whole, put together from their steps. Look up by order_id, or by a span of created_at';
DO $$
DECLARE
    view_name text;
BEGIN
    FOREACH view_name IN ARRAY ARRAY['core."order"', 'warehouse."order"'] LOOP
        EXECUTE format($comments$
            COMMENT ON COLUMN %1$s.order_id IS 'Order in the company''s systems';
            COMMENT ON COLUMN %1$s.status IS
                'How far it came: created, accepted, picked_up, delivered or cancelled; of the last two the later one';
            COMMENT ON COLUMN %1$s.created_at IS 'When it was requested; null: that event never came';
            COMMENT ON COLUMN %1$s.accepted_at IS 'When the branch accepted it; null: that event did not come';
            COMMENT ON COLUMN %1$s.picked_up_at IS 'When it left the branch; null: that event did not come';
            COMMENT ON COLUMN %1$s.delivered_at IS 'When the customer had it; null: that event did not come';
            COMMENT ON COLUMN %1$s.cancelled_at IS 'When it was cancelled; null: that event did not come';
            COMMENT ON COLUMN %1$s.branch_id IS 'Branch it is picked up at; null: no event says';
            COMMENT ON COLUMN %1$s.vertical IS 'Line of business';
            COMMENT ON COLUMN %1$s.customer_id IS 'Pseudonymous customer; null: no event says';
            COMMENT ON COLUMN %1$s.total_amount IS
                'Order total in the currency, as created or else as sent last; null: no event says';
            COMMENT ON COLUMN %1$s.currency IS 'ISO 4217 code of total_amount';
            COMMENT ON COLUMN %1$s.problems IS
                'What can''t be: never_created, accepted_too_early, picked_up_too_early, delivered_too_early and '
                'cancelled_too_early (before a step that precedes it), delivered_and_cancelled; empty: nothing'
        $comments$, view_name);
    END LOOP;
END
$$;
COMMENT ON COLUMN core."order".geo_id IS 'Leaf geo of the pick-up; null while its branch is not known';
COMMENT ON COLUMN warehouse."order".geo IS 'Leaf geo of the pick-up; null while its branch is not known';

CREATE INDEX branch_location_recorded ON core.branch_location (recorded_at);

ALTER TABLE core.demand_restatement DROP CONSTRAINT demand_restatement_why_check;
ALTER TABLE core.demand_restatement ADD CONSTRAINT demand_restatement_why_check
    CHECK (why IN ('late_event', 'branch_located', 'backfill', 'replay', 'zones'));
COMMENT ON COLUMN core.demand_restatement.why IS
    'late_event: events came after the hour was closed; branch_located: waiting events of a branch found their place; '
    'backfill: a file filled it; replay: dead letters became good; zones: the division of space changed';
CREATE INDEX demand_restatement_seq ON core.demand_restatement (commit_seq);

ALTER TABLE raw.dead_letter
    ADD COLUMN attempts int NOT NULL DEFAULT 0,
    ADD COLUMN attempted_at timestamptz,
    ADD COLUMN resolved_at timestamptz,
    ADD COLUMN resolved_batch_id bigint,
    ADD CHECK ((resolved_at IS NULL) = (resolved_batch_id IS NULL));
CREATE INDEX dead_letter_unresolved ON raw.dead_letter (dead_letter_id) WHERE resolved_at IS NULL;
CREATE INDEX dead_letter_received ON raw.dead_letter USING brin (received_at) WITH (autosummarize);
COMMENT ON COLUMN raw.dead_letter.topic IS 'Kafka topic, or backfill/<job> for a line of a file';
COMMENT ON COLUMN raw.dead_letter.partition IS 'Kafka partition; 0 for a line of a file';
COMMENT ON COLUMN raw.dead_letter."offset" IS 'Kafka offset, or the number of the line, from 1';
COMMENT ON COLUMN raw.dead_letter.attempts IS 'How often it was replayed';
COMMENT ON COLUMN raw.dead_letter.attempted_at IS 'When it was replayed last; null: never';
COMMENT ON COLUMN raw.dead_letter.resolved_at IS 'When a replay could use it; null: not yet';
COMMENT ON COLUMN raw.dead_letter.resolved_batch_id IS 'Batch that recorded it then (raw.batch); null: not yet';
CREATE OR REPLACE VIEW warehouse.dead_letter AS
    SELECT dead_letter_id, topic, partition, "offset", reason, detail, pointer, received_at, attempts, attempted_at,
           resolved_at, resolved_batch_id
    FROM raw.dead_letter;
COMMENT ON COLUMN warehouse.dead_letter.topic IS 'Kafka topic, or backfill/<job> for a line of a file';
COMMENT ON COLUMN warehouse.dead_letter.partition IS 'Kafka partition; 0 for a line of a file';
COMMENT ON COLUMN warehouse.dead_letter."offset" IS 'Kafka offset, or the number of the line, from 1';
COMMENT ON COLUMN warehouse.dead_letter.attempts IS 'How often it was replayed';
COMMENT ON COLUMN warehouse.dead_letter.attempted_at IS 'When it was replayed last; null: never';
COMMENT ON COLUMN warehouse.dead_letter.resolved_at IS 'When a replay could use it; null: not yet';
COMMENT ON COLUMN warehouse.dead_letter.resolved_batch_id IS 'Batch that recorded it then (raw.batch); null: not yet';

CREATE TABLE raw.stream_gap (
    gap_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text COLLATE "C" NOT NULL,
    partition int NOT NULL,
    from_offset bigint NOT NULL,
    to_offset bigint NOT NULL,
    from_event_at timestamptz,
    to_event_at timestamptz,
    batch_id bigint NOT NULL,
    detected_at timestamptz NOT NULL DEFAULT now(),
    filled_at timestamptz,
    filled_by bigint REFERENCES raw.job,
    CHECK (from_offset < to_offset),
    CHECK ((filled_at IS NULL) = (filled_by IS NULL))
);
CREATE INDEX stream_gap_open ON raw.stream_gap (gap_id) WHERE filled_at IS NULL;
COMMENT ON TABLE raw.stream_gap IS 'Messages of the stream that Kafka no longer had when they were to be read';
COMMENT ON COLUMN raw.stream_gap.gap_id IS 'Key';
COMMENT ON COLUMN raw.stream_gap.topic IS 'Kafka topic';
COMMENT ON COLUMN raw.stream_gap.partition IS 'Kafka partition';
COMMENT ON COLUMN raw.stream_gap.from_offset IS 'First offset that is missing';
COMMENT ON COLUMN raw.stream_gap.to_offset IS 'First offset after it that Kafka had';
COMMENT ON COLUMN raw.stream_gap.from_event_at IS 'Latest event time of the partition before it; null: nothing was read before';
COMMENT ON COLUMN raw.stream_gap.to_event_at IS 'Earliest event time of the partition in the batch after it; null: not known';
COMMENT ON COLUMN raw.stream_gap.batch_id IS 'Batch that jumped over it (raw.batch)';
COMMENT ON COLUMN raw.stream_gap.detected_at IS 'When it was recorded';
COMMENT ON COLUMN raw.stream_gap.filled_at IS 'When a backfill had filled it; null: it is open';
COMMENT ON COLUMN raw.stream_gap.filled_by IS 'The backfill''s job; null: it is open';
CREATE VIEW warehouse.stream_gap AS
    SELECT gap_id, topic, partition, from_offset, to_offset, from_event_at, to_event_at, detected_at, filled_at, filled_by
    FROM raw.stream_gap;
COMMENT ON VIEW warehouse.stream_gap IS 'Messages of the stream that Kafka no longer had when they were to be read';
COMMENT ON COLUMN warehouse.stream_gap.gap_id IS 'Key';
COMMENT ON COLUMN warehouse.stream_gap.topic IS 'Kafka topic';
COMMENT ON COLUMN warehouse.stream_gap.partition IS 'Kafka partition';
COMMENT ON COLUMN warehouse.stream_gap.from_offset IS 'First offset that is missing';
COMMENT ON COLUMN warehouse.stream_gap.to_offset IS 'First offset after it that Kafka had';
COMMENT ON COLUMN warehouse.stream_gap.from_event_at IS 'Latest event time of the partition before it; null: nothing was read before';
COMMENT ON COLUMN warehouse.stream_gap.to_event_at IS 'Earliest event time of the partition in the batch after it; null: not known';
COMMENT ON COLUMN warehouse.stream_gap.detected_at IS 'When it was recorded';
COMMENT ON COLUMN warehouse.stream_gap.filled_at IS 'When a backfill had filled it; null: it is open';
COMMENT ON COLUMN warehouse.stream_gap.filled_by IS 'The backfill''s job; null: it is open';

CREATE TABLE raw.backfill_chunk (
    job_id bigint NOT NULL REFERENCES raw.job,
    first_line bigint NOT NULL,
    lines bigint NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (job_id, first_line)
);
-- The content is compressed already.
ALTER TABLE raw.backfill_chunk ALTER COLUMN content SET STORAGE EXTERNAL;
COMMENT ON TABLE raw.backfill_chunk IS 'Files of backfills until these are done, so that they outlive the process';
COMMENT ON COLUMN raw.backfill_chunk.job_id IS 'The backfill (raw.job)';
COMMENT ON COLUMN raw.backfill_chunk.first_line IS 'Number of its first line in the file, from 1';
COMMENT ON COLUMN raw.backfill_chunk.lines IS 'Lines in it';
COMMENT ON COLUMN raw.backfill_chunk.content IS 'zstd frame of whole lines';
