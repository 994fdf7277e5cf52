-- Resolved or not, up to $2 at once. $1 days that they are kept. Index: dead_letter_received (brin).
DELETE FROM raw.dead_letter
WHERE dead_letter_id IN (
    SELECT dead_letter_id FROM raw.dead_letter WHERE received_at < now() - make_interval(days => $1::int) LIMIT $2)
