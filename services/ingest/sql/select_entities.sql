-- No parameters.
SELECT entity, source FROM raw.entity
