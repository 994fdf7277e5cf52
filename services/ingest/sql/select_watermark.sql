-- No parameters.
SELECT watermark_at, first_hour, orders, changed_seq FROM core.watermark
