-- Schema of the trainer: its schedule, its runs, the model registry and the backtests.

CREATE TABLE training.schedule (
    schedule text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('train', 'forecast')),
    description text NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    timezone text,
    local_time time,
    grace interval,
    history_at_least interval NOT NULL,
    CHECK ((timezone IS NULL) = (local_time IS NULL))
);

INSERT INTO training.schedule (schedule, kind, description, timezone, local_time, grace, history_at_least) VALUES
    ('hourly-forecast', 'forecast', 'A forecast from every complete hour: when the watermark passes its end, at the latest after the grace',
     NULL, NULL, '10 minutes', '0'),
    ('first-training', 'train', 'The first model, as soon as there is enough history', NULL, NULL, NULL, '8 days'),
    ('daily-training', 'train', 'A new model every local day', 'UTC', '03:00', NULL, '8 days'),
    ('catch-up-training', 'train', 'A new model when history has grown by more than 30 hours since the newest one, as after a backfill',
     NULL, NULL, NULL, '8 days');

-- A run is both the job in the queue and the record of what became of it.
CREATE TABLE training.run (
    run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('train', 'forecast', 'backtest')),
    cutoff timestamptz NOT NULL CHECK (cutoff = date_trunc('hour', cutoff, 'UTC')),
    revision integer NOT NULL DEFAULT 0,
    schedule text REFERENCES training.schedule,
    scheduled_for timestamptz,
    planned_at timestamptz NOT NULL,
    status text NOT NULL DEFAULT 'due' CHECK (status IN ('due', 'running', 'succeeded', 'failed', 'superseded')),
    created_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    worker text,
    lease_until timestamptz,
    started_at timestamptz,
    finished_at timestamptz,
    share double precision NOT NULL DEFAULT 0,
    what text,
    data_cursor bigint,
    set_id text,
    published_seq bigint,
    error text,
    UNIQUE (kind, cutoff, revision),
    CHECK ((schedule IS NULL) = (scheduled_for IS NULL))
);
-- One slot of a daily schedule is run once, whatever the clock does; the hourly schedule's slots have revisions.
CREATE UNIQUE INDEX run_slot ON training.run (schedule, scheduled_for) WHERE kind = 'train';
CREATE INDEX run_open ON training.run (kind, run_id) WHERE status IN ('due', 'running');
CREATE INDEX run_published ON training.run (published_seq) WHERE published_seq IS NOT NULL;
CREATE INDEX run_by_schedule ON training.run (schedule, run_id);
CREATE SEQUENCE training.published_seq;

-- One version holds a model for each group of series; it has the number of the run that trained it.
CREATE TABLE training.model (
    version bigint NOT NULL REFERENCES training.run,
    series_group text NOT NULL CHECK (series_group IN ('total', 'parents', 'restaurant', 'goods')),
    method text NOT NULL,
    trained_at timestamptz NOT NULL DEFAULT now(),
    cutoff timestamptz NOT NULL,
    data_cursor bigint NOT NULL,
    seed bigint NOT NULL,
    parameters jsonb NOT NULL,
    scores jsonb NOT NULL,
    champion boolean NOT NULL DEFAULT false,
    decision text NOT NULL,
    data_size_bytes bigint NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (version, series_group)
);
ALTER TABLE training.model ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX model_champion ON training.model (series_group) WHERE champion;
CREATE INDEX model_by_cutoff ON training.model (series_group, cutoff);

CREATE TABLE training.backtest (
    run_id bigint NOT NULL REFERENCES training.run,
    series_group text NOT NULL CHECK (series_group IN ('total', 'parents', 'restaurant', 'goods')),
    method text NOT NULL,
    series integer NOT NULL,
    seconds double precision NOT NULL,
    scores jsonb NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, series_group)
);
