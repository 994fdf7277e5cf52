-- The hour a run asked for now without a cutoff is made at. $1 now, $2 last complete hour, $3 all events taken in.
SELECT training.newest_cutoff($1::timestamptz, $2::timestamptz, $3::boolean)
