-- No parameters.
SELECT nextval('raw.batch_id')
