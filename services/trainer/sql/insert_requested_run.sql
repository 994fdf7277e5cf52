-- A run asked for by hand: the newest one of that kind and cutoff when there is one (due again if it had failed).
-- $1 kind, $2 cutoff, $3 now. Columns: id, whether there is something to be done that was not before. Unique key of run.
WITH newest AS (
    SELECT run_id, status FROM training.run WHERE kind = $1::text AND cutoff = $2::timestamptz
    ORDER BY revision DESC LIMIT 1
), again AS (
    UPDATE training.run SET status = 'due', due_at = now(), failures = 0, error = NULL, finished_at = NULL
    FROM newest WHERE run.run_id = newest.run_id AND newest.status IN ('failed', 'superseded')
    RETURNING run.run_id
), added AS (
    INSERT INTO training.run (kind, cutoff, planned_at)
    SELECT $1::text, $2::timestamptz, $3::timestamptz WHERE NOT EXISTS (SELECT FROM newest)
    ON CONFLICT DO NOTHING RETURNING run_id
)
SELECT run_id, true FROM added
UNION ALL SELECT run_id, true FROM again
UNION ALL SELECT run_id, false FROM newest WHERE NOT EXISTS (SELECT FROM again)
