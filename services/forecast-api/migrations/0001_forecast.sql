COMMENT ON SCHEMA forecast IS 'Issued forecasts, what was published when, the geos they are for, and overrides. Owned by forecast-api.';

CREATE SEQUENCE forecast.revision;
COMMENT ON SEQUENCE forecast.revision IS 'Numbers every change that a reader of the API can see. Taken under the advisory lock of lock_forecast_revisions, so that numbers become visible in order.';

CREATE TABLE forecast.forecast_set (
    set_id text PRIMARY KEY CHECK (length(set_id) BETWEEN 1 AND 64),
    cutoff timestamptz NOT NULL,
    issued_at timestamptz NOT NULL,
    kind text NOT NULL CHECK (kind IN ('daily', 'hourly')),
    hours bigint NOT NULL CHECK (hours BETWEEN 168 AND 336),
    series_count bigint NOT NULL CHECK (series_count > 0),
    checksum text NOT NULL,
    length_bytes bigint NOT NULL CHECK (length_bytes > 0),
    status text NOT NULL DEFAULT 'staged' CHECK (status IN ('staged', 'published', 'superseded', 'withdrawn')),
    received_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,
    published_seq bigint UNIQUE
);
CREATE UNIQUE INDEX forecast_set_published ON forecast.forecast_set ((true)) WHERE status = 'published';
CREATE INDEX forecast_set_received ON forecast.forecast_set (received_at DESC, set_id DESC);
COMMENT ON TABLE forecast.forecast_set IS 'Forecast sets as received from the trainer; each is published for all geos at once or not at all.';
COMMENT ON COLUMN forecast.forecast_set.set_id IS 'Chosen by the trainer: <cutoff as YYYYMMDDTHH>-<run>.';
COMMENT ON COLUMN forecast.forecast_set.cutoff IS 'Start of the last observed hour; the first forecast hour is the one after it.';
COMMENT ON COLUMN forecast.forecast_set.issued_at IS 'When the trainer made it.';
COMMENT ON COLUMN forecast.forecast_set.kind IS 'daily: kept for ever; hourly: its content is dropped after the retention time.';
COMMENT ON COLUMN forecast.forecast_set.hours IS 'Hours each series has.';
COMMENT ON COLUMN forecast.forecast_set.series_count IS 'Series (geo and vertical) in the set.';
COMMENT ON COLUMN forecast.forecast_set.checksum IS 'SHA-256 of the Arrow stream as received, hexadecimal.';
COMMENT ON COLUMN forecast.forecast_set.length_bytes IS 'Length of the Arrow stream as received.';
COMMENT ON COLUMN forecast.forecast_set.status IS 'staged: not published yet; published: being served (one at most); superseded: another was published after it; withdrawn: rolled back.';
COMMENT ON COLUMN forecast.forecast_set.received_at IS 'When it was stored.';
COMMENT ON COLUMN forecast.forecast_set.published_at IS 'When it was first published.';
COMMENT ON COLUMN forecast.forecast_set.published_seq IS 'Number of its first publication.';

CREATE TABLE forecast.set_chunk (
    set_id text NOT NULL REFERENCES forecast.forecast_set ON DELETE CASCADE,
    chunk bigint NOT NULL CHECK (chunk >= 0),
    content bytea NOT NULL,
    length_bytes bigint NOT NULL CHECK (length_bytes > 0),
    PRIMARY KEY (set_id, chunk)
);
ALTER TABLE forecast.set_chunk ALTER COLUMN content SET STORAGE EXTERNAL;
COMMENT ON TABLE forecast.set_chunk IS 'The Arrow stream of a set in pieces, each compressed by itself with zstd.';
COMMENT ON COLUMN forecast.set_chunk.chunk IS 'Position of the piece, from 0.';
COMMENT ON COLUMN forecast.set_chunk.content IS 'One zstd frame.';
COMMENT ON COLUMN forecast.set_chunk.length_bytes IS 'Length of the piece before compression.';

CREATE TABLE forecast.publication (
    seq bigint PRIMARY KEY,
    set_id text NOT NULL REFERENCES forecast.forecast_set,
    action text NOT NULL CHECK (action IN ('publish', 'rollback')),
    published_at timestamptz NOT NULL DEFAULT now(),
    published_by text NOT NULL
);
COMMENT ON TABLE forecast.publication IS 'Ledger of what was served from when on. The row with the highest seq is being served.';
COMMENT ON COLUMN forecast.publication.seq IS 'A number of forecast.revision.';
COMMENT ON COLUMN forecast.publication.action IS 'publish: the set for the first time; rollback: back to a set published before.';
COMMENT ON COLUMN forecast.publication.published_by IS 'Request id of the call that did it.';

CREATE TABLE forecast.geo (
    geo text PRIMARY KEY CHECK (length(geo) BETWEEN 1 AND 63),
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('cell', 'zone', 'city', 'all')),
    timezone text NOT NULL,
    country text,
    lat float8,
    lon float8,
    parent text,
    geo_version bigint NOT NULL,
    first_hour timestamptz,
    revision bigint NOT NULL
);
CREATE INDEX geo_revision ON forecast.geo (revision DESC);
COMMENT ON TABLE forecast.geo IS 'The geos as last fetched from ingest, kept so that forecasts can be served without it.';
COMMENT ON COLUMN forecast.geo.geo IS 'H3 cell, zone id, city:<name>, or all.';
COMMENT ON COLUMN forecast.geo.timezone IS 'IANA name.';
COMMENT ON COLUMN forecast.geo.country IS 'ISO 3166 alpha-2.';
COMMENT ON COLUMN forecast.geo.lat IS 'Degrees north of its centre.';
COMMENT ON COLUMN forecast.geo.lon IS 'Degrees east of its centre.';
COMMENT ON COLUMN forecast.geo.parent IS 'The city it lies in, or all.';
COMMENT ON COLUMN forecast.geo.geo_version IS 'Version of the definition of geos.';
COMMENT ON COLUMN forecast.geo.first_hour IS 'Hour of its first order; null before.';
COMMENT ON COLUMN forecast.geo.revision IS 'A number of forecast.revision, taken when any of this changed.';

CREATE TABLE forecast.override (
    override_id text PRIMARY KEY CHECK (length(override_id) BETWEEN 1 AND 64),
    geo text NOT NULL,
    scope text NOT NULL CHECK (scope IN ('geo', 'children')),
    vertical text NOT NULL CHECK (vertical IN ('all', 'restaurant', 'goods')),
    kind text NOT NULL CHECK (kind IN ('factor', 'absolute')),
    value float8 NOT NULL CHECK (value >= 0 AND value <= 1e9),
    from_hour timestamptz NOT NULL,
    to_hour timestamptz NOT NULL,
    reason text NOT NULL,
    author text NOT NULL,
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_revision bigint NOT NULL,
    ended_at timestamptz,
    ended_by text,
    ended_reason text,
    ended_revision bigint,
    CHECK (from_hour < to_hour),
    CHECK (NOT (kind = 'absolute' AND scope = 'children'))
);
CREATE INDEX override_in_force ON forecast.override (created_revision DESC) WHERE ended_revision IS NULL;
CREATE INDEX override_created ON forecast.override (created_revision);
CREATE INDEX override_ended ON forecast.override (ended_revision DESC) WHERE ended_revision IS NOT NULL;
COMMENT ON TABLE forecast.override IS 'Corrections by operations. Rows are never deleted or changed but for their end: the table is its own audit trail.';
COMMENT ON COLUMN forecast.override.geo IS 'The geo it is made for.';
COMMENT ON COLUMN forecast.override.scope IS 'geo: that geo only; children: also the geos whose parent it is (for all: every geo).';
COMMENT ON COLUMN forecast.override.vertical IS 'all: a factor holds for each vertical, an absolute value for all orders only.';
COMMENT ON COLUMN forecast.override.kind IS 'factor: multiplies; absolute: orders per hour.';
COMMENT ON COLUMN forecast.override.from_hour IS 'First hour it holds for.';
COMMENT ON COLUMN forecast.override.to_hour IS 'First hour it no longer holds for.';
COMMENT ON COLUMN forecast.override.expires_at IS 'Ends by itself then; null: when its last hour is over.';
COMMENT ON COLUMN forecast.override.created_revision IS 'A number of forecast.revision.';
COMMENT ON COLUMN forecast.override.ended_by IS 'Who withdrew it; null: it expired.';
COMMENT ON COLUMN forecast.override.ended_revision IS 'A number of forecast.revision; null while in force.';

CREATE VIEW forecast.published_sets AS
SELECT p.seq, p.action, p.published_at, p.published_by, s.set_id, s.cutoff, s.issued_at, s.kind, s.hours,
       s.series_count, lead(p.published_at) OVER (ORDER BY p.seq) AS served_until
FROM forecast.publication p
JOIN forecast.forecast_set s USING (set_id);
COMMENT ON VIEW forecast.published_sets IS 'For analysts: which set was served when, one row a publication or rollback; served_until is null for the present one.';

CREATE VIEW forecast.override_history AS
SELECT override_id, geo, scope, vertical, kind, value, from_hour, to_hour, reason, author, created_at, expires_at,
       ended_at, ended_by, ended_reason,
       CASE WHEN ended_revision IS NULL THEN 'in force' WHEN ended_by IS NULL THEN 'expired' ELSE 'withdrawn' END AS status
FROM forecast.override;
COMMENT ON VIEW forecast.override_history IS 'For analysts: every override ever made, by whom and why, and how it ended.';
