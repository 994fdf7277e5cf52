-- $1 resolved before, $2 most rows. Answers how many.
SELECT quality.delete_resolved_quarantine($1, $2)
