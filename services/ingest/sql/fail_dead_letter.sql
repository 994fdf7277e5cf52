-- Still bad. $1 id, $2 reason, $3 detail, $4 pointer. Index: dead_letter_pkey.
UPDATE raw.dead_letter
SET reason = $2, detail = $3, pointer = $4, attempts = attempts + 1, attempted_at = now()
WHERE dead_letter_id = $1 AND resolved_at IS NULL
