-- Takes over a page of ingest's geos: $1 its array as JSON text. Unchanged geos are left alone. Primary key. Under
-- lock_forecast_revisions.
WITH incoming AS (
    SELECT geo, name, kind, timezone, country, lat, lon, parent, coalesce(geo_version, 1) AS geo_version, first_hour
    FROM jsonb_to_recordset($1::text::jsonb) AS g(geo text, name text, kind text, timezone text, country text,
         lat float8, lon float8, parent text, geo_version bigint, first_hour timestamptz)
), changed AS (
    SELECT i.*
    FROM incoming i
    LEFT JOIN forecast.geo g USING (geo)
    WHERE (g.name, g.kind, g.timezone, g.country, g.lat, g.lon, g.parent, g.geo_version, g.first_hour)
          IS DISTINCT FROM
          (i.name, i.kind, i.timezone, i.country, i.lat, i.lon, i.parent, i.geo_version, i.first_hour)
), taken AS (
    SELECT nextval('forecast.revision') AS revision WHERE EXISTS (SELECT FROM changed)
)
INSERT INTO forecast.geo (geo, name, kind, timezone, country, lat, lon, parent, geo_version, first_hour, revision)
SELECT geo, name, kind, timezone, country, lat, lon, parent, geo_version, first_hour, revision
FROM changed, taken
ON CONFLICT (geo) DO UPDATE
SET name = excluded.name, kind = excluded.kind, timezone = excluded.timezone, country = excluded.country,
    lat = excluded.lat, lon = excluded.lon, parent = excluded.parent, geo_version = excluded.geo_version,
    first_hour = excluded.first_hour, revision = excluded.revision
