-- Things of the company's databases. Their tables are made from the mapping files (docs/sources.md); here is what is the
-- same for all of them.
CREATE SCHEMA personal;
COMMENT ON SCHEMA personal IS
    'Personal data of the things in schema core, present state only; the analysts'' role can''t read it';
REVOKE ALL ON SCHEMA personal FROM PUBLIC;

CREATE TABLE raw.entity (
    entity text COLLATE "C" PRIMARY KEY,
    source text COLLATE "C" NOT NULL,
    parent text COLLATE "C" REFERENCES raw.entity,
    description text NOT NULL,
    owner text NOT NULL,
    subject text,
    personal_columns text[] NOT NULL,
    mapping_version text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE raw.entity IS 'Things whose tables were made from a mapping file';
COMMENT ON COLUMN raw.entity.entity IS 'Name: of the tables core.<name> and core.<name>_history and of views in warehouse';
COMMENT ON COLUMN raw.entity.source IS 'Source whose mapping declares it';
COMMENT ON COLUMN raw.entity.parent IS 'Thing that this one is a part of, an array in its document; null: none';
COMMENT ON COLUMN raw.entity.description IS 'What it is';
COMMENT ON COLUMN raw.entity.owner IS 'Who in the company answers for it';
COMMENT ON COLUMN raw.entity.subject IS 'Column with the id of the customer it is about; null: about none';
COMMENT ON COLUMN raw.entity.personal_columns IS 'Columns kept in personal.<name> instead';
COMMENT ON COLUMN raw.entity.mapping_version IS 'Version of the mapping file that was applied last';
COMMENT ON COLUMN raw.entity.updated_at IS 'When it was applied last';

CREATE TABLE raw.quarantine (
    quarantine_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text COLLATE "C" NOT NULL,
    stream text COLLATE "C" NOT NULL,
    entity text COLLATE "C" NOT NULL,
    key jsonb,
    rule text NOT NULL CHECK (rule IN ('unreadable', 'required', 'range', 'one_of', 'reference', 'unknown_value')),
    detail text NOT NULL,
    missing_entity text COLLATE "C",
    missing_key text COLLATE "C",
    change jsonb NOT NULL,
    original text,
    batch_id bigint NOT NULL REFERENCES raw.batch,
    received_at timestamptz NOT NULL DEFAULT now(),
    attempts int NOT NULL DEFAULT 1,
    tried_at timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz,
    resolution text CHECK (resolution IN ('recorded', 'superseded')),
    CHECK ((resolved_at IS NULL) = (resolution IS NULL))
);
CREATE UNIQUE INDEX quarantine_open ON raw.quarantine (source, entity, md5(key::text)) WHERE resolved_at IS NULL;
CREATE INDEX quarantine_missing ON raw.quarantine (missing_entity, missing_key) WHERE resolved_at IS NULL;
COMMENT ON TABLE raw.quarantine IS
    'Versions of things that break a rule of the mapping. Of one thing only the newest version stays open';
COMMENT ON COLUMN raw.quarantine.quarantine_id IS 'Key';
COMMENT ON COLUMN raw.quarantine.source IS 'Source';
COMMENT ON COLUMN raw.quarantine.stream IS 'Part of the source that it came in with';
COMMENT ON COLUMN raw.quarantine.entity IS 'What kind of thing it is (raw.entity)';
COMMENT ON COLUMN raw.quarantine.key IS 'Values of its key columns as texts; null: they could not be read';
COMMENT ON COLUMN raw.quarantine.rule IS
    'unreadable: a value is not of the column''s type; required: it is missing; range, one_of: it is not allowed; '
    'reference: the thing it refers to is not there; unknown_value: the source did not send a value that is not known';
COMMENT ON COLUMN raw.quarantine.detail IS 'What is wrong with it, for people';
COMMENT ON COLUMN raw.quarantine.missing_entity IS 'Kind of thing that it refers to and that is not there; null: other rules';
COMMENT ON COLUMN raw.quarantine.missing_key IS 'Key of that thing';
COMMENT ON COLUMN raw.quarantine.change IS 'The version as it was to be recorded, to try again';
COMMENT ON COLUMN raw.quarantine.original IS 'As it was received; null: not kept, or erased';
COMMENT ON COLUMN raw.quarantine.batch_id IS 'Batch that brought it';
COMMENT ON COLUMN raw.quarantine.received_at IS 'When it was recorded here';
COMMENT ON COLUMN raw.quarantine.attempts IS 'How often it was to be recorded';
COMMENT ON COLUMN raw.quarantine.tried_at IS 'When it was to be recorded last';
COMMENT ON COLUMN raw.quarantine.resolved_at IS 'When it was done with; null: still open';
COMMENT ON COLUMN raw.quarantine.resolution IS 'recorded: it became good; superseded: a newer version came; null: still open';

ALTER TABLE raw.source_position ALTER COLUMN batch_id DROP NOT NULL;
COMMENT ON COLUMN raw.source_position.batch_id IS 'Batch that moved it last; null: only nothing new was read so far';

CREATE VIEW warehouse.quarantine AS
    SELECT quarantine_id, source, stream, entity, rule, detail, batch_id, received_at, attempts, tried_at, resolved_at,
           resolution
    FROM raw.quarantine;
COMMENT ON VIEW warehouse.quarantine IS 'Versions of things that break a rule, without their content';
DO $$
DECLARE
    comment_sql text;
BEGIN
    FOR comment_sql IN
        SELECT format('COMMENT ON COLUMN warehouse.quarantine.%I IS %L', v.attname, col_description(t.attrelid, t.attnum))
        FROM pg_attribute v JOIN pg_attribute t USING (attname)
        WHERE v.attrelid = 'warehouse.quarantine'::regclass AND v.attnum > 0 AND t.attrelid = 'raw.quarantine'::regclass
    LOOP
        EXECUTE comment_sql;
    END LOOP;
END
$$;

CREATE FUNCTION raw.ensure_entity_views(entity text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    own_columns CONSTANT text[] := '{valid_from,batch_id,change_no,deleted,extra,recorded_at}';
    present_table CONSTANT regclass := format('core.%I', entity)::regclass;
    history_table CONSTANT regclass := format('core.%I', entity || '_history')::regclass;
    keys text;
    present_columns text;
    history_values text;
    comment_sql text;
BEGIN
    SELECT string_agg(format('h.%I', attname), ', ' ORDER BY array_position(indkey::int2[], attnum)) INTO keys
    FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
    WHERE indrelid = present_table AND indisprimary;
    -- In the order of the table: a view can be extended at its end.
    SELECT string_agg(format('h.%I', attname), ', ' ORDER BY attnum) FILTER (WHERE attname <> 'extra'),
           string_agg(format(', h.%I', attname), '' ORDER BY attnum)
               FILTER (WHERE attname <> ALL (own_columns) AND position(format('h.%I', attname) || ',' IN keys || ',') = 0)
    INTO present_columns, history_values
    FROM pg_attribute WHERE attrelid = present_table AND attnum > 0 AND NOT attisdropped;

    EXECUTE format('CREATE OR REPLACE VIEW warehouse.%I AS SELECT %s FROM core.%1$I h', entity, present_columns);
    EXECUTE format(
        'CREATE OR REPLACE VIEW warehouse.%I AS SELECT %s, h.valid_from, min(h.valid_from) OVER (PARTITION BY %2$s'
        ' ORDER BY b.commit_seq, h.change_no ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS valid_to,'
        ' b.commit_seq, h.change_no, h.recorded_at, h.deleted%s FROM core.%1$I h JOIN raw.batch b USING (batch_id)',
        entity || '_history', keys, coalesce(history_values, ''));
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION warehouse.%I(as_of bigint, valid_at timestamptz) RETURNS SETOF warehouse.%I'
        ' LANGUAGE sql STABLE AS %L', entity || '_as_of', entity,
        format('SELECT %s FROM (SELECT DISTINCT ON (%s) h.* FROM core.%I h JOIN raw.batch b USING (batch_id)'
               ' WHERE b.commit_seq <= as_of AND h.valid_from <= valid_at'
               ' ORDER BY %2$s, b.commit_seq DESC, h.change_no DESC) h WHERE NOT h.deleted',
               present_columns, keys, entity || '_history'));

    FOR comment_sql IN
        SELECT format('COMMENT ON VIEW warehouse.%I IS %L', entity, obj_description(present_table, 'pg_class'))
        UNION ALL
        SELECT format('COMMENT ON VIEW warehouse.%I IS %L', entity || '_history',
                      obj_description(history_table, 'pg_class'))
        UNION ALL
        SELECT format('COMMENT ON FUNCTION warehouse.%I IS %L', entity || '_as_of',
                      obj_description(present_table, 'pg_class') || ': as recorded up to a commit_seq, valid at a time')
        UNION ALL
        SELECT format('COMMENT ON COLUMN warehouse.%I.%I IS %L', v.relname, a.attname,
                      CASE a.attname
                          WHEN 'valid_to' THEN 'Until when it was so; null: it still is. Not later than valid_from: what '
                                               'was recorded later replaced it altogether'
                          WHEN 'commit_seq' THEN 'Order of visibility: as of N means the states with commit_seq <= N'
                          ELSE col_description(t.attrelid, t.attnum)
                      END)
        FROM pg_class v
        JOIN pg_attribute a ON a.attrelid = v.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attribute t ON t.attrelid = history_table AND t.attname = a.attname
        WHERE v.relnamespace = 'warehouse'::regnamespace AND v.relname IN (entity, entity || '_history')
    LOOP
        EXECUTE comment_sql;
    END LOOP;
END
$$;
COMMENT ON FUNCTION raw.ensure_entity_views IS
    'Makes or extends the views of an entity in schema warehouse and its function <name>_as_of, and comments them';
