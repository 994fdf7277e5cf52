-- $1 dead letter, $2 what stays of the message. Index: dead_letter_pkey.
UPDATE raw.dead_letter
SET payload = $2, detail = 'what was wrong is not kept: it was an erased customer''s', erased_at = now()
WHERE dead_letter_id = $1
