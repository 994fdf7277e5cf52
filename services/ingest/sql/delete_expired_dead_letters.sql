-- $1 before, $2 most rows. Index: dead_letter_received (brin).
DELETE FROM raw.dead_letter
WHERE ctid = ANY (ARRAY(SELECT ctid FROM raw.dead_letter WHERE received_at < $1 LIMIT $2))
