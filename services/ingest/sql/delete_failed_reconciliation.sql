-- What could not be counted before and now was. $1 start of the day, $2 source. Index: reconciliation_pkey.
DELETE FROM quality.reconciliation
WHERE day = ($1 AT TIME ZONE 'UTC')::date AND source = $2 AND subject = 'all' AND state = 'failed'
