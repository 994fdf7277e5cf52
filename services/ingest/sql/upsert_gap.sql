-- $1 geo_id, $2 from, $3 to, $4 orders, $5 expected, $6 log10 of the probability. Index: gap_pkey.
INSERT INTO quality.gap (geo_id, from_hour, to_hour, orders, expected, log10_probability)
VALUES ($1::int, $2, $3, $4, $5, $6)
ON CONFLICT (geo_id, from_hour) DO UPDATE
SET to_hour = excluded.to_hour, orders = excluded.orders, expected = excluded.expected,
    log10_probability = excluded.log10_probability, checked_at = now(), resolved_at = NULL
