-- Checks the rules on the next commits. $1 about how many messages of them. Index: batch_commit_seq_key.
SELECT checked_rows, behind FROM quality.check_rules($1)
