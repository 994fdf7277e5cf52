-- No parameters. Index: stream_gap_open.
SELECT count(*), coalesce(sum(to_offset - from_offset), 0)::bigint FROM raw.stream_gap WHERE filled_at IS NULL
