-- $1 version, $2 group, $3 method, $4 cutoff, $5 data cursor, $6 seed, $7 parameters, $8 scores, $9 decision,
-- $10 size in bytes before compression, $11 data (zstd). Primary key.
INSERT INTO training.model (version, series_group, method, cutoff, data_cursor, seed, parameters, scores, decision,
                            data_size_bytes, data)
VALUES ($1::bigint, $2::text, $3::text, $4::timestamptz, $5::bigint, $6::bigint, $7::text::jsonb, $8::text::jsonb,
        $9::text, $10::bigint, $11::bytea)
ON CONFLICT (version, series_group) DO UPDATE
SET method = excluded.method, trained_at = now(), cutoff = excluded.cutoff, data_cursor = excluded.data_cursor,
    seed = excluded.seed, parameters = excluded.parameters, scores = excluded.scores, decision = excluded.decision,
    data_size_bytes = excluded.data_size_bytes, data = excluded.data
