-- Divisions of space: polygon zones in versions, each of which gives all of history its geos anew.
CREATE TABLE core.zone_version (
    version int PRIMARY KEY,
    hash text NOT NULL,
    file text NOT NULL,
    state text NOT NULL CHECK (state IN ('prepared', 'present', 'past')),
    loaded_at timestamptz NOT NULL DEFAULT now(),
    switched_seq bigint
);
CREATE UNIQUE INDEX zone_version_present ON core.zone_version (state) WHERE state = 'present';
INSERT INTO core.zone_version (version, hash, file, state) VALUES (1, '', '', 'present');
COMMENT ON TABLE core.zone_version IS 'Versions of the zone file, each of them a division of all of history into geos';
COMMENT ON COLUMN core.zone_version.version IS 'Number; answers carry it as geo_version';
COMMENT ON COLUMN core.zone_version.hash IS 'SHA-256 of the file; empty: no zones, cells only';
COMMENT ON COLUMN core.zone_version.file IS 'The GeoJSON file; empty: no zones';
COMMENT ON COLUMN core.zone_version.state IS
    'prepared: history is being assigned to it; present: what all geos are now; past: another took its place';
COMMENT ON COLUMN core.zone_version.loaded_at IS 'When it was first seen';
COMMENT ON COLUMN core.zone_version.switched_seq IS 'commit_seq from which on it was the present one; null: from the beginning, or not yet';

CREATE UNLOGGED TABLE core.zone_place (
    version int NOT NULL,
    lat float8 NOT NULL,
    lon float8 NOT NULL,
    geo_id int NOT NULL REFERENCES core.geo,
    PRIMARY KEY (lat, lon, version)
);
COMMENT ON TABLE core.zone_place IS 'Places of history while a new version is prepared; empty otherwise';
COMMENT ON COLUMN core.zone_place.version IS 'Version that is being prepared';
COMMENT ON COLUMN core.zone_place.lat IS 'Latitude of orders or branches, in degrees';
COMMENT ON COLUMN core.zone_place.lon IS 'Longitude of orders or branches, in degrees';
COMMENT ON COLUMN core.zone_place.geo_id IS 'Leaf geo that the place has in that version';

ALTER TABLE core.watermark ADD COLUMN geo_version int NOT NULL DEFAULT 1;
COMMENT ON COLUMN core.watermark.geo_version IS 'Present version of the division into geos (core.zone_version)';
