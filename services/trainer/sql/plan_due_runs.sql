-- Adds the runs that are due; a row with its id for each one added.
-- $1 now, $2 last complete hour, $3 first hour of history, $4 all events taken in, $5 restated since the last forecast.
SELECT training.plan_due_runs($1::timestamptz, $2::timestamptz, $3::timestamptz, $4::boolean, $5::boolean)
