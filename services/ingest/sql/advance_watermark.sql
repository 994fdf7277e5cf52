-- $1 watermark (null: unknown), $2 first hour among the new counts (null: none), $3 orders added, $4 commit_seq if
-- demand changed, else 0.
UPDATE core.watermark
SET watermark_at = greatest(watermark_at, $1),
    first_hour = least(first_hour, $2),
    orders = orders + $3,
    changed_seq = greatest(changed_seq, $4)
