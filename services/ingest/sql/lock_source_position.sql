-- $1 source, $2 stream. Index: source_position_pkey.
SELECT position FROM raw.source_position WHERE source = $1 AND stream = $2 FOR UPDATE
