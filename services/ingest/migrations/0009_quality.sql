-- What is checked of the history, and what came out.
CREATE SCHEMA quality;
COMMENT ON SCHEMA quality IS 'Checks of the history and their results; written by ingest only, documented in docs/quality.md';

COMMENT ON TABLE raw.schema_migration IS 'Schema changes that were applied, of all schemas of ingest';
COMMENT ON COLUMN raw.schema_migration.name IS 'Change';
COMMENT ON COLUMN raw.schema_migration.checksum IS 'Of its text: one that was applied never changes';
COMMENT ON COLUMN raw.schema_migration.applied_at IS 'When it was applied';

-- To find the batches and dead letters of a day; both are appended in the order of time.
CREATE INDEX batch_committed ON raw.batch USING brin (committed_at) WITH (pages_per_range = 16, autosummarize);
CREATE INDEX IF NOT EXISTS dead_letter_received ON raw.dead_letter USING brin (received_at) WITH (autosummarize);

CREATE FUNCTION quality.instant_text(instant timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(instant AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
$$;
COMMENT ON FUNCTION quality.instant_text IS 'RFC 3339 in UTC, whole seconds';

-- ---- Rules -----------------------------------------------------------------------------------------------------------
CREATE TABLE quality.checked_table (
    table_name text COLLATE "C" PRIMARY KEY,
    key_sql text NOT NULL,
    rows_sql text NOT NULL
);
COMMENT ON TABLE quality.checked_table IS 'Tables that rules are checked on, as their rows come in';
COMMENT ON COLUMN quality.checked_table.table_name IS 'Table';
COMMENT ON COLUMN quality.checked_table.key_sql IS 'Expression over a row r: its key for people, text';
COMMENT ON COLUMN quality.checked_table.rows_sql IS 'Query of the rows that the commits after $1 up to $2 (raw.batch.commit_seq) wrote';

CREATE TABLE quality.rule (
    rule_id text COLLATE "C" PRIMARY KEY,
    table_name text COLLATE "C" NOT NULL REFERENCES quality.checked_table,
    kind text NOT NULL CHECK (kind IN ('not_null', 'range', 'referential')),
    description text NOT NULL,
    predicate text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('error', 'warning')),
    owner text NOT NULL
);
COMMENT ON TABLE quality.rule IS 'What must hold of each row; a new rule holds for rows that come in after it';
COMMENT ON COLUMN quality.rule.rule_id IS 'Name';
COMMENT ON COLUMN quality.rule.table_name IS 'Table that it is about';
COMMENT ON COLUMN quality.rule.kind IS 'not_null: something is there; range: a value is possible; referential: what is referred to exists';
COMMENT ON COLUMN quality.rule.description IS 'What must hold, for people';
COMMENT ON COLUMN quality.rule.predicate IS 'SQL expression over a row r; anything but true is a failure';
COMMENT ON COLUMN quality.rule.severity IS 'error: counts derived from such a row are wrong; warning: the source should be asked';
COMMENT ON COLUMN quality.rule.owner IS 'Who looks after it';

CREATE TABLE quality.rule_result (
    rule_id text COLLATE "C" NOT NULL REFERENCES quality.rule,
    day date NOT NULL,
    checked_rows bigint NOT NULL,
    failed_rows bigint NOT NULL,
    sample_keys text[] NOT NULL,
    checked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (day, rule_id)
);
COMMENT ON TABLE quality.rule_result IS 'What came out of checking a rule on the rows that came in, a row for each day of checking';
COMMENT ON COLUMN quality.rule_result.rule_id IS 'Rule';
COMMENT ON COLUMN quality.rule_result.day IS 'Day on which they were checked, UTC';
COMMENT ON COLUMN quality.rule_result.checked_rows IS 'Rows checked';
COMMENT ON COLUMN quality.rule_result.failed_rows IS 'Of these, rows that broke it';
COMMENT ON COLUMN quality.rule_result.sample_keys IS 'Keys of the first ten of these';
COMMENT ON COLUMN quality.rule_result.checked_at IS 'When it was checked last';

CREATE TABLE quality.progress (
    check_name text COLLATE "C" PRIMARY KEY,
    commit_seq bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO quality.progress (check_name, commit_seq) VALUES ('rules', 0);
COMMENT ON TABLE quality.progress IS 'How far checks of rows that come in have got';
COMMENT ON COLUMN quality.progress.check_name IS 'Check';
COMMENT ON COLUMN quality.progress.commit_seq IS 'Newest commit whose rows were checked (raw.batch.commit_seq)';
COMMENT ON COLUMN quality.progress.updated_at IS 'When it moved last';

-- A row without a batch is found in the span of batch numbers, since no batch says that it is of another commit.
INSERT INTO quality.checked_table (table_name, key_sql, rows_sql) VALUES
    ('core.order_event', $$r.order_id || ' ' || r.event_type$$,
     $$SELECT e.* FROM core.order_event e,
              (SELECT min(batch_id) AS first_id, max(batch_id) AS last_id FROM raw.batch
               WHERE commit_seq > $1 AND commit_seq <= $2) span
       WHERE e.batch_id >= span.first_id AND e.batch_id <= span.last_id
         AND NOT EXISTS (SELECT FROM raw.batch b WHERE b.batch_id = e.batch_id
                           AND (b.commit_seq <= $1 OR b.commit_seq > $2))$$),
    ('core.demand_hourly', $$r.geo_id || ' ' || quality.instant_text(r.hour_utc) || ' ' || r.vertical$$,
     $$SELECT d.* FROM core.demand_hourly d WHERE d.changed_seq > $1 AND d.changed_seq <= $2$$);

INSERT INTO quality.rule (rule_id, table_name, kind, description, predicate, severity, owner) VALUES
    ('order_event_geo', 'core.order_event', 'referential', 'geo_id is a leaf of core.geo',
     $$r.geo_id IS NULL OR r.geo_id IN (SELECT geo_id FROM core.geo WHERE kind IN ('cell', 'zone'))$$, 'error', 'ingest'),
    ('order_event_placed', 'core.order_event', 'not_null', 'A row without a place waits for its branch (raw.waiting_event)',
     $$r.geo_id IS NOT NULL OR EXISTS (SELECT FROM raw.waiting_event w
                                       WHERE w.order_id = r.order_id AND w.event_type = r.event_type)$$, 'error', 'ingest'),
    ('order_event_batch', 'core.order_event', 'referential', 'The batch that recorded it is in raw.batch',
     $$r.batch_id IN (SELECT batch_id FROM raw.batch WHERE commit_seq > $1 AND commit_seq <= $2)$$, 'error', 'ingest'),
    ('order_event_amount', 'core.order_event', 'range', 'The total is not negative, below 100,000,000, and has a currency',
     $$r.total_amount IS NULL AND r.currency IS NULL
       OR r.total_amount >= 0 AND r.total_amount < 100000000 AND r.currency IS NOT NULL$$, 'warning', 'orders'),
    ('order_event_coordinates', 'core.order_event', 'range', 'Coordinates are on Earth, and both or none are there',
     $$r.lat IS NULL AND r.lon IS NULL OR r.lat BETWEEN -90 AND 90 AND r.lon BETWEEN -180 AND 180$$, 'error', 'orders'),
    ('order_event_order', 'core.order_event', 'range', 'An order is not delivered before it is created',
     $$CASE r.event_type
       WHEN 'order_delivered' THEN NOT EXISTS (
           SELECT FROM core.order_event c WHERE c.order_id = r.order_id AND c.event_type = 'order_created'
                                            AND c.occurred_at > r.occurred_at)
       WHEN 'order_created' THEN NOT EXISTS (
           SELECT FROM core.order_event d WHERE d.order_id = r.order_id AND d.event_type = 'order_delivered'
                                            AND d.occurred_at < r.occurred_at)
       ELSE true END$$, 'warning', 'orders'),
    ('demand_not_negative', 'core.demand_hourly', 'range', 'Counts are not negative', $$r.orders >= 0$$, 'error', 'ingest'),
    ('demand_hour', 'core.demand_hourly', 'range', 'hour_utc is the start of an hour',
     $$r.hour_utc = date_trunc('hour', r.hour_utc, 'UTC')$$, 'error', 'ingest'),
    ('demand_geo', 'core.demand_hourly', 'referential', 'geo_id is a leaf of core.geo',
     $$r.geo_id IN (SELECT geo_id FROM core.geo WHERE kind IN ('cell', 'zone'))$$, 'error', 'ingest');

CREATE FUNCTION quality.check_table(checked quality.checked_table, after_seq bigint, last_seq bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    rules quality.rule[] := ARRAY(SELECT r FROM quality.rule r WHERE r.table_name = checked.table_name ORDER BY rule_id);
    columns text := '';
    i int;
    total bigint;
    failed bigint[];
    samples jsonb;
BEGIN
    IF cardinality(rules) = 0 THEN
        RETURN 0;
    END IF;
    FOR i IN 1 .. cardinality(rules) LOOP
        columns := columns || format(', (%s) IS NOT TRUE AS f%s', rules[i].predicate, i);
    END LOOP;
    EXECUTE format('WITH checked AS (SELECT %s AS key%s FROM (%s) r) SELECT count(*), ARRAY[%s], jsonb_build_array(%s)'
                   ' FROM checked',
                   checked.key_sql, columns, checked.rows_sql,
                   (SELECT string_agg(format('count(*) FILTER (WHERE f%s)', n), ', ' ORDER BY n)
                    FROM generate_series(1, cardinality(rules)) n),
                   (SELECT string_agg(format('to_jsonb((array_agg(key) FILTER (WHERE f%s))[1:10])', n), ', ' ORDER BY n)
                    FROM generate_series(1, cardinality(rules)) n))
    INTO total, failed, samples USING after_seq, last_seq;
    INSERT INTO quality.rule_result AS old (rule_id, day, checked_rows, failed_rows, sample_keys)
    SELECT rules[n].rule_id, (now() AT TIME ZONE 'UTC')::date, total, failed[n],
           ARRAY(SELECT jsonb_array_elements_text(CASE jsonb_typeof(samples -> (n - 1)) WHEN 'array' THEN samples -> (n - 1)
                                                  ELSE '[]' END))
    FROM generate_series(1, cardinality(rules)) n
    ON CONFLICT (day, rule_id) DO UPDATE
    SET checked_rows = old.checked_rows + excluded.checked_rows, failed_rows = old.failed_rows + excluded.failed_rows,
        sample_keys = (old.sample_keys || excluded.sample_keys)[1:10], checked_at = now();
    RETURN total;
END
$$;
COMMENT ON FUNCTION quality.check_table IS
    'Checks the rules of a table on the rows of some commits and adds to quality.rule_result; returns how many rows';

CREATE FUNCTION quality.check_rules(most_rows bigint, OUT checked_rows bigint, OUT behind bigint)
LANGUAGE plpgsql AS $$
DECLARE
    after_seq bigint;
    last_seq bigint;
    checked quality.checked_table;
BEGIN
    checked_rows := 0;
    behind := 0;
    SELECT commit_seq INTO after_seq FROM quality.progress WHERE check_name = 'rules' FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN; -- another process is at it
    END IF;
    SELECT max(commit_seq) INTO last_seq
    FROM (SELECT commit_seq, sum(messages) OVER (ORDER BY commit_seq) AS rows_so_far,
                 row_number() OVER (ORDER BY commit_seq) AS place
          FROM (SELECT commit_seq, messages FROM raw.batch WHERE commit_seq > after_seq ORDER BY commit_seq LIMIT 10000) next
         ) counted
    WHERE rows_so_far <= most_rows OR place = 1;
    IF last_seq IS NULL THEN
        RETURN;
    END IF;
    FOR checked IN SELECT * FROM quality.checked_table ORDER BY table_name LOOP
        checked_rows := checked_rows + quality.check_table(checked, after_seq, last_seq);
    END LOOP;
    UPDATE quality.progress SET commit_seq = last_seq, updated_at = now() WHERE check_name = 'rules';
    behind := coalesce((SELECT max(commit_seq) FROM raw.batch), last_seq) - last_seq;
END
$$;
COMMENT ON FUNCTION quality.check_rules IS
    'Checks all rules on the next commits, about most_rows messages of them; says how many rows and how many commits are left';

-- ---- Completeness ------------------------------------------------------------------------------------------------------
CREATE TABLE quality.gap (
    geo_id int NOT NULL REFERENCES core.geo,
    from_hour timestamptz NOT NULL,
    to_hour timestamptz NOT NULL,
    orders bigint NOT NULL,
    expected float8 NOT NULL,
    log10_probability float8 NOT NULL,
    found_at timestamptz NOT NULL DEFAULT now(),
    checked_at timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz,
    PRIMARY KEY (geo_id, from_hour)
);
COMMENT ON TABLE quality.gap IS 'Hours that have far fewer orders than the same hours of the weeks before, per city and for all';
COMMENT ON COLUMN quality.gap.geo_id IS 'City, or all';
COMMENT ON COLUMN quality.gap.from_hour IS 'First hour';
COMMENT ON COLUMN quality.gap.to_hour IS 'Hour after the last';
COMMENT ON COLUMN quality.gap.orders IS 'Orders in it';
COMMENT ON COLUMN quality.gap.expected IS 'Orders expected: sum of the medians of the same hours of the four weeks before';
COMMENT ON COLUMN quality.gap.log10_probability IS 'How probable so few are by chance (Poisson), as a power of ten';
COMMENT ON COLUMN quality.gap.found_at IS 'When it was found';
COMMENT ON COLUMN quality.gap.checked_at IS 'When it was looked at last';
COMMENT ON COLUMN quality.gap.resolved_at IS 'When enough orders had come in after all; null: open';

-- ---- Reconciliation ----------------------------------------------------------------------------------------------------
CREATE TABLE quality.reconciliation (
    day date NOT NULL,
    source text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    source_count numeric,
    repository_count numeric,
    difference numeric,
    state text NOT NULL CHECK (state IN ('ok', 'explained', 'pending', 'differs', 'failed')),
    detail text,
    attempts int NOT NULL DEFAULT 1,
    commit_seq bigint NOT NULL,
    checked_at timestamptz NOT NULL DEFAULT now(),
    next_check_at timestamptz,
    PRIMARY KEY (day, source, subject)
);
COMMENT ON TABLE quality.reconciliation IS 'Counts of each source against what is kept of it, for each finished day';
COMMENT ON COLUMN quality.reconciliation.day IS
    'Day, UTC: on which it was recorded (kafka), of event time (demand), or after which it was counted (databases)';
COMMENT ON COLUMN quality.reconciliation.source IS 'kafka, demand, company-sql or company-documents';
COMMENT ON COLUMN quality.reconciliation.subject IS 'What was counted: a partition, a table, a sum over a column';
COMMENT ON COLUMN quality.reconciliation.source_count IS 'Count or sum in the source; null: it could not be had';
COMMENT ON COLUMN quality.reconciliation.repository_count IS 'The same in this database; null: it could not be had';
COMMENT ON COLUMN quality.reconciliation.difference IS
    'source_count - repository_count; of demand the sum of the absolute differences of all geos and hours';
COMMENT ON COLUMN quality.reconciliation.state IS
    'ok: equal; explained: differs by what is known to be missing; pending: differs, will be counted again before it '
    'counts as a difference; differs: it did each time; failed: could not be counted';
COMMENT ON COLUMN quality.reconciliation.detail IS 'What explains it, or why it failed; null: nothing to say';
COMMENT ON COLUMN quality.reconciliation.attempts IS 'How often it has been counted since it was equal last';
COMMENT ON COLUMN quality.reconciliation.commit_seq IS 'Newest commit when it was counted (raw.batch.commit_seq)';
COMMENT ON COLUMN quality.reconciliation.checked_at IS 'When it was counted last';
COMMENT ON COLUMN quality.reconciliation.next_check_at IS 'When it is to be counted again; null: no need';

CREATE FUNCTION quality.record_reconciliation(
    p_day date, p_source text, p_subject text, p_source_count numeric, p_repository_count numeric, p_difference numeric,
    p_explained numeric, p_detail text) RETURNS text LANGUAGE sql AS $$
    INSERT INTO quality.reconciliation AS old (day, source, subject, source_count, repository_count, difference, state,
                                               detail, commit_seq, next_check_at)
    SELECT p_day, p_source, p_subject, p_source_count, p_repository_count, p_difference,
           CASE WHEN p_difference IS NULL THEN 'failed' WHEN p_difference = 0 THEN 'ok'
                WHEN p_difference > 0 AND p_difference <= p_explained THEN 'explained' ELSE 'pending' END,
           p_detail, coalesce((SELECT max(commit_seq) FROM raw.batch), 0), now() + interval '5 minutes'
    ON CONFLICT (day, source, subject) DO UPDATE
    SET source_count = excluded.source_count, repository_count = excluded.repository_count,
        difference = excluded.difference, detail = excluded.detail, commit_seq = excluded.commit_seq, checked_at = now(),
        attempts = CASE WHEN excluded.state IN ('pending', 'failed') AND old.state NOT IN ('ok', 'explained')
                        THEN old.attempts + 1 ELSE 1 END,
        state = CASE WHEN excluded.state = 'pending' AND old.state IN ('pending', 'differs') AND old.attempts >= 2
                     THEN 'differs' ELSE excluded.state END,
        next_check_at = CASE WHEN excluded.state = 'pending' AND old.state IN ('pending', 'differs') AND old.attempts >= 2
                             THEN now() + interval '1 day' ELSE excluded.next_check_at END;
    UPDATE quality.reconciliation SET next_check_at = NULL
    WHERE day = p_day AND source = p_source AND subject = p_subject AND state IN ('ok', 'explained');
    SELECT state FROM quality.reconciliation WHERE day = p_day AND source = p_source AND subject = p_subject
$$;
COMMENT ON FUNCTION quality.record_reconciliation IS
    'Notes a count against another: a difference counts as one the third time. explained: how much of it is known to be '
    'missing. Returns the state';

CREATE FUNCTION quality.count_table(p_table text, p_sums text[]) RETURNS TABLE (subject text, total numeric)
LANGUAGE plpgsql AS $$
DECLARE
    summed text;
BEGIN
    RETURN QUERY EXECUTE format('SELECT ''rows'', count(*)::numeric FROM %s', p_table::regclass);
    FOREACH summed IN ARRAY p_sums LOOP
        RETURN QUERY EXECUTE format('SELECT %L::text, coalesce(sum(%I), 0)::numeric FROM %s', summed, summed, p_table::regclass);
    END LOOP;
END
$$;
COMMENT ON FUNCTION quality.count_table IS 'Rows of a table and sums over some of its columns';

-- ---- What other parts of ingest keep; each is empty where its table is not there ----------------------------------------
CREATE FUNCTION quality.stream_gaps() RETURNS TABLE (
    topic text, partition int, from_offset bigint, to_offset bigint, from_event_at timestamptz, to_event_at timestamptz,
    detected_at timestamptz, filled_at timestamptz)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF to_regclass('raw.stream_gap') IS NOT NULL THEN
        RETURN QUERY SELECT g.topic::text, g.partition::int, g.from_offset::bigint, g.to_offset::bigint, g.from_event_at,
                            g.to_event_at, g.detected_at, g.filled_at
                     FROM raw.stream_gap g;
    END IF;
END
$$;
COMMENT ON FUNCTION quality.stream_gaps IS 'Offsets of the order stream that were gone before they were read; to_offset is not one of them';

CREATE FUNCTION quality.quarantine_counts() RETURNS TABLE (entity text, rule text, open_rows bigint)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF to_regclass('raw.quarantine') IS NOT NULL THEN
        RETURN QUERY SELECT q.entity::text, q.rule::text, count(*) FROM raw.quarantine q WHERE q.resolved_at IS NULL
                     GROUP BY 1, 2;
    END IF;
END
$$;
COMMENT ON FUNCTION quality.quarantine_counts IS 'Rows of things that broke a rule of their mapping and are set aside, by thing and rule';

CREATE FUNCTION quality.quarantine_page(after_id bigint, most bigint, only_entity text, only_resolved boolean)
RETURNS TABLE (quarantine_id bigint, content jsonb) LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF to_regclass('raw.quarantine') IS NOT NULL THEN
        RETURN QUERY SELECT q.quarantine_id, to_jsonb(q) FROM raw.quarantine q
                     WHERE q.quarantine_id > after_id AND (only_entity IS NULL OR q.entity = only_entity)
                       AND (only_resolved IS NULL OR (q.resolved_at IS NOT NULL) = only_resolved)
                     ORDER BY q.quarantine_id
                     LIMIT most;
    END IF;
END
$$;
COMMENT ON FUNCTION quality.quarantine_page IS 'Rows of raw.quarantine after an id; null: any thing, resolved or not';

CREATE FUNCTION quality.entity_owner(table_name text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF to_regclass('raw.entity') IS NOT NULL THEN
        RETURN (SELECT e.owner FROM raw.entity e WHERE table_name IN (e.entity, e.entity || '_history'));
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quality.entity_owner IS 'Who in the company answers for the thing that a table holds; null: none is mapped to it';

CREATE FUNCTION quality.delete_resolved_quarantine(before timestamptz, most bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    deleted bigint := 0;
BEGIN
    IF to_regclass('raw.quarantine') IS NOT NULL THEN
        DELETE FROM raw.quarantine
        WHERE ctid = ANY (ARRAY(SELECT ctid FROM raw.quarantine WHERE resolved_at < before LIMIT most));
        GET DIAGNOSTICS deleted = ROW_COUNT;
    END IF;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quality.delete_resolved_quarantine IS 'Deletes rows of raw.quarantine that were resolved before, and how many';

CREATE FUNCTION quality.delete_finished_jobs(before timestamptz, most bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    old_job bigint;
    deleted bigint := 0;
BEGIN
    FOR old_job IN SELECT job_id FROM raw.job WHERE finished_at < before ORDER BY job_id LIMIT most LOOP
        BEGIN
            DELETE FROM raw.job WHERE job_id = old_job;
            deleted := deleted + 1;
        EXCEPTION WHEN foreign_key_violation THEN
            NULL; -- what came of it is still there and names it
        END;
    END LOOP;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quality.delete_finished_jobs IS 'Deletes jobs that ended before and that nothing refers to; how many';

-- ---- The catalog -----------------------------------------------------------------------------------------------------
-- Of a small table the newest time in it; of a large one, only where an index leads to the batch that wrote to it last.
CREATE FUNCTION quality.newest_recorded(p_table regclass) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
DECLARE
    small_bytes CONSTANT bigint := 16 * 1024 * 1024;
    time_column text;
    number_column text;
    newest timestamptz;
BEGIN
    IF p_table = 'core.order_event'::regclass THEN
        RETURN (SELECT committed_at FROM raw.batch WHERE source = 'kafka' AND events > 0 ORDER BY commit_seq DESC LIMIT 1);
    END IF;
    IF pg_relation_size(p_table) <= small_bytes AND (SELECT relkind FROM pg_class WHERE oid = p_table) = 'r' THEN
        SELECT attname INTO time_column
        FROM pg_attribute
        WHERE attrelid = p_table AND attnum > 0 AND NOT attisdropped AND atttypid = 'timestamptz'::regtype
          AND attname IN ('recorded_at', 'updated_at', 'committed_at', 'received_at', 'checked_at', 'restated_at',
                          'last_seen_at', 'registered_at', 'detected_at', 'created_at', 'applied_at')
        ORDER BY array_position(ARRAY['recorded_at', 'updated_at', 'committed_at', 'received_at', 'checked_at',
                                      'restated_at', 'last_seen_at', 'registered_at', 'detected_at', 'created_at',
                                      'applied_at'], attname::text)
        LIMIT 1;
        IF time_column IS NOT NULL THEN
            EXECUTE format('SELECT max(%I) FROM %s', time_column, p_table) INTO newest;
            RETURN newest;
        END IF;
    END IF;
    SELECT a.attname INTO number_column
    FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_am m ON m.oid = c.relam AND m.amname = 'btree'
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
    WHERE i.indrelid = p_table AND a.attname IN ('batch_id', 'commit_seq', 'changed_seq')
    LIMIT 1;
    IF number_column IS NOT NULL THEN
        EXECUTE format('SELECT committed_at FROM raw.batch WHERE %I = (SELECT max(%I) FROM %s)',
                       CASE number_column WHEN 'batch_id' THEN 'batch_id' ELSE 'commit_seq' END, number_column, p_table)
        INTO newest;
    END IF;
    RETURN newest;
END
$$;
COMMENT ON FUNCTION quality.newest_recorded IS 'When a row was last recorded in a table; null: not known without reading all of it';

CREATE FUNCTION quality.catalog_columns(p_table oid) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT coalesce(json_agg(json_build_object(
               'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'nullable', NOT a.attnotnull,
               'description', col_description(a.attrelid, a.attnum),
               'key', EXISTS (SELECT FROM pg_constraint k
                              WHERE k.conrelid = a.attrelid AND k.contype = 'p' AND a.attnum = ANY (k.conkey)),
               'references', (SELECT f.confrelid::regclass::text FROM pg_constraint f
                              WHERE f.conrelid = a.attrelid AND f.contype = 'f' AND a.attnum = ANY (f.conkey)
                              ORDER BY cardinality(f.conkey) LIMIT 1)) ORDER BY a.attnum), '[]')
    FROM pg_attribute a
    WHERE a.attrelid = p_table AND a.attnum > 0 AND NOT a.attisdropped
$$;
COMMENT ON FUNCTION quality.catalog_columns IS 'Columns of a table or view for GET /catalog';
