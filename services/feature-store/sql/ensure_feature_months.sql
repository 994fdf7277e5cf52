-- $1: table, $2: first hour, $3: last hour. Makes the missing monthly partitions and returns how many.
SELECT features.ensure_months($1, $2, $3)
