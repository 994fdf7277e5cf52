-- The fence of a replay: returns how many were unresolved until now. $1 ids '{1,2}', $2 batch. Index: dead_letter_pkey.
WITH resolved AS (
    UPDATE raw.dead_letter
    SET resolved_at = now(), resolved_batch_id = $2, attempts = attempts + 1, attempted_at = now()
    WHERE dead_letter_id = ANY ($1::bigint[]) AND resolved_at IS NULL
    RETURNING 1
)
SELECT count(*) FROM resolved
