-- Gaps of the span that looking at it now has not found again. Only in the transaction that has stored those found.
-- $1 from, $2 to. Index: gap_pkey.
UPDATE quality.gap
SET resolved_at = now(), checked_at = now()
WHERE from_hour >= $1 AND from_hour < $2 AND resolved_at IS NULL AND checked_at < now()
