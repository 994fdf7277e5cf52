-- What the sources share: batches of any source, how far each was read, what was unexpected in them, and jobs.
ALTER TABLE raw.batch ALTER COLUMN topic DROP NOT NULL;
ALTER TABLE raw.batch ALTER COLUMN partitions SET DEFAULT '{}';
ALTER TABLE raw.batch ALTER COLUMN first_offsets SET DEFAULT '{}';
ALTER TABLE raw.batch ALTER COLUMN last_offsets SET DEFAULT '{}';
ALTER TABLE raw.batch ADD COLUMN position text;
COMMENT ON COLUMN raw.batch.source IS
    'Where it came from: kafka, backfill, dead-letters, company-sql, company-documents, zones or erasure';
COMMENT ON COLUMN raw.batch.topic IS 'Kafka topic, or the stream of another source; null: it has only one';
COMMENT ON COLUMN raw.batch.messages IS 'Messages, rows or documents in the batch';
COMMENT ON COLUMN raw.batch.events IS 'Of these, recorded: order events, or changes of things';
COMMENT ON COLUMN raw.batch.duplicates IS 'Of these, repetitions of what was recorded already';
COMMENT ON COLUMN raw.batch.dead_letters IS 'Of these, recorded in raw.dead_letter or raw.quarantine';
COMMENT ON COLUMN raw.batch.position IS 'How far its source had been read with it; null: the offsets say so';

CREATE TABLE raw.source_position (
    source text COLLATE "C" NOT NULL,
    stream text COLLATE "C" NOT NULL,
    position text NOT NULL,
    batch_id bigint NOT NULL REFERENCES raw.batch,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, stream)
);
COMMENT ON TABLE raw.source_position IS
    'Where reading a database resumes: written in the transaction of the rows that were read';
COMMENT ON COLUMN raw.source_position.source IS 'Source';
COMMENT ON COLUMN raw.source_position.stream IS 'Part of it that is read on its own: a table, a collection, the change stream';
COMMENT ON COLUMN raw.source_position.position IS 'How far it was read; what it means is the source''s reader''s own affair';
COMMENT ON COLUMN raw.source_position.batch_id IS 'Batch that moved it last';
COMMENT ON COLUMN raw.source_position.updated_at IS 'When it last moved';

CREATE TABLE raw.schema_drift (
    source text COLLATE "C" NOT NULL,
    stream text COLLATE "C" NOT NULL,
    path text COLLATE "C" NOT NULL,
    kind text NOT NULL CHECK (kind IN ('unknown_field', 'missing_field', 'other_type')),
    value_type text COLLATE "C" NOT NULL,
    times bigint NOT NULL,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, stream, path, kind, value_type)
);
COMMENT ON TABLE raw.schema_drift IS 'Fields that a source sends other than expected; their values are kept';
COMMENT ON COLUMN raw.schema_drift.source IS 'Source';
COMMENT ON COLUMN raw.schema_drift.stream IS 'Topic, table or collection';
COMMENT ON COLUMN raw.schema_drift.path IS 'Field, with dots between the names of nested ones; [] for any item of an array';
COMMENT ON COLUMN raw.schema_drift.kind IS
    'unknown_field: nobody expects it; missing_field: it is expected and was not there; other_type: it cannot be read as '
    'the type it should have';
COMMENT ON COLUMN raw.schema_drift.value_type IS 'Type that was found; empty for a missing field';
COMMENT ON COLUMN raw.schema_drift.times IS 'In how many messages, rows or documents it was seen';
COMMENT ON COLUMN raw.schema_drift.first_seen_at IS 'When it was recorded first';
COMMENT ON COLUMN raw.schema_drift.last_seen_at IS 'When it was recorded last';

CREATE TABLE raw.job (
    job_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    parameters jsonb NOT NULL,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed')),
    done bigint NOT NULL DEFAULT 0,
    total bigint,
    result jsonb,
    error text,
    failures int NOT NULL DEFAULT 0,
    attempt bigint NOT NULL DEFAULT 0,
    lease_until timestamptz,
    due_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz
);
CREATE INDEX job_open ON raw.job (due_at) WHERE state IN ('queued', 'running');
COMMENT ON TABLE raw.job IS 'Long work that was asked for: backfills, replays, erasures, new zones';
COMMENT ON COLUMN raw.job.job_id IS 'Key';
COMMENT ON COLUMN raw.job.kind IS 'What is to be done';
COMMENT ON COLUMN raw.job.parameters IS 'With what';
COMMENT ON COLUMN raw.job.state IS 'failed: it was given up, error says why';
COMMENT ON COLUMN raw.job.done IS 'How far it is, in units of its kind';
COMMENT ON COLUMN raw.job.total IS 'How far it goes; null: not known yet';
COMMENT ON COLUMN raw.job.result IS 'What came out; null before the end';
COMMENT ON COLUMN raw.job.error IS 'What went wrong last; null: nothing';
COMMENT ON COLUMN raw.job.failures IS 'How often it failed';
COMMENT ON COLUMN raw.job.attempt IS 'Counts those who took it: the fence against one that lost its lease';
COMMENT ON COLUMN raw.job.lease_until IS 'Whoever works on it must have renewed by then; null: nobody does';
COMMENT ON COLUMN raw.job.due_at IS 'Not to be taken before';
COMMENT ON COLUMN raw.job.created_at IS 'When it was asked for';
COMMENT ON COLUMN raw.job.started_at IS 'When it was taken first';
COMMENT ON COLUMN raw.job.finished_at IS 'When it was done or given up';

-- The name is needed for what the company's own database says of its branches.
ALTER TABLE core.branch RENAME TO branch_location;
ALTER TABLE core.branch_location RENAME CONSTRAINT branch_pkey TO branch_location_pkey;
ALTER TABLE core.branch_location RENAME CONSTRAINT branch_geo_id_fkey TO branch_location_geo_id_fkey;
ALTER TABLE core.branch_location DROP CONSTRAINT branch_source_check;
ALTER TABLE core.branch_location ADD CHECK (source IN ('events', 'documents'));
COMMENT ON COLUMN core.branch_location.source IS 'events: learned from orders that came with both; documents: the branch''s own document';
CREATE INDEX branch_location_batch ON core.branch_location (batch_id);
