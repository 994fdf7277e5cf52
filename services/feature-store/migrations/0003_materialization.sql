-- Runs that carry what is recorded offline to the online store, with how far each is.
CREATE TABLE features.materialization (
    materialization_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    view_name text NOT NULL,
    view_version bigint NOT NULL,
    start_ts timestamptz,
    end_ts timestamptz NOT NULL,
    incremental boolean NOT NULL,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed')),
    entity_reached integer NOT NULL DEFAULT 0,
    rows_read bigint NOT NULL DEFAULT 0,
    rows_applied bigint NOT NULL DEFAULT 0,
    problem text,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at timestamptz,
    finished_at timestamptz
);
CREATE INDEX materialization_unfinished ON features.materialization (materialization_id)
    WHERE state IN ('queued', 'running');
CREATE INDEX materialization_of_view ON features.materialization (view_name, view_version, end_ts) WHERE state = 'done';
COMMENT ON TABLE features.materialization IS 'Materializations: one row per request and feature view.';
COMMENT ON COLUMN features.materialization.start_ts IS 'Rows are later than this; null: all from the first.';
COMMENT ON COLUMN features.materialization.end_ts IS 'Rows are not later than this.';
COMMENT ON COLUMN features.materialization.entity_reached IS 'Entities up to this entity_id are done.';
COMMENT ON COLUMN features.materialization.rows_read IS 'Newest rows of entities found offline.';
COMMENT ON COLUMN features.materialization.rows_applied IS 'Of these, those that were newer than what was online.';
COMMENT ON COLUMN features.materialization.problem IS 'Why it failed.';

-- Pages of entities of one kind, in the order of their numbers.
CREATE INDEX entity_of_kind ON features.entity (kind, entity_id);
