-- Serves set $1 from now on: $2 action, $3 request id. Under lock_forecast_revisions, after supersede_forecast_set.
WITH ledger AS (
    INSERT INTO forecast.publication (seq, set_id, action, published_by)
    VALUES (nextval('forecast.revision'), $1, $2, $3)
    RETURNING seq, published_at
)
UPDATE forecast.forecast_set s
SET status = 'published',
    published_at = coalesce(s.published_at, ledger.published_at),
    published_seq = coalesce(s.published_seq, ledger.seq)
FROM ledger
WHERE s.set_id = $1
RETURNING ledger.seq
