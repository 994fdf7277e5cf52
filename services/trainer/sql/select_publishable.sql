-- Whether a set of that cutoff may become the one that is served. $1 cutoff, $2 now. Index run_published.
SELECT training.may_publish($1::timestamptz, $2::timestamptz)
