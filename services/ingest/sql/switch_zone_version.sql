-- $1 version, $2 commit_seq. Index: zone_version_pkey.
WITH version AS (
    UPDATE core.zone_version SET state = 'present', switched_seq = $2 WHERE version = $1 RETURNING version, file
), zone AS (
    SELECT feature -> 'properties' ->> 'zone' AS geo
    FROM version
    CROSS JOIN LATERAL jsonb_array_elements(coalesce(nullif(file, ''), '{"features": []}')::jsonb -> 'features') feature
), geo AS (
    UPDATE core.geo g SET geo_version = $1 WHERE g.kind <> 'zone' OR g.geo IN (SELECT geo FROM zone)
)
UPDATE core.watermark SET geo_version = $1, changed_seq = $2
