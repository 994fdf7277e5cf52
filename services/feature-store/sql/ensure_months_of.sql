-- $1: table, $2: event timestamps as an array literal. Makes the monthly partitions they need and returns how many.
SELECT features.ensure_months_of($1, $2::timestamptz[])
