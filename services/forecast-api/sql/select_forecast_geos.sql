-- All geos. Whole table.
SELECT geo, name, kind, timezone, country, lat, lon, parent, geo_version, first_hour, revision
FROM forecast.geo
