-- $1: geo_ids as an array literal, $2: last hour with features, $3: number of the recording. Uses geo's primary key.
UPDATE features.geo
SET computed_through = greatest(computed_through, $2), changed_from = NULL, recorded_seq = $3
WHERE geo_id = ANY ($1::integer[])
