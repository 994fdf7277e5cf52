-- No parameters.
SELECT count(*) FROM raw.waiting_event
