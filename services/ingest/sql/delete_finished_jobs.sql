-- $1 ended before, $2 most rows. Answers how many.
SELECT quality.delete_finished_jobs($1, $2)
