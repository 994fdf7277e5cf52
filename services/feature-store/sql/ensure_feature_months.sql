-- $1: table, $2: first event timestamp, $3: last one. Makes the missing monthly partitions and returns how many.
SELECT features.ensure_months($1, $2, $3)
