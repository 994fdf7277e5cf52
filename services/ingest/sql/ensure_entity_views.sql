-- $1 entity.
SELECT raw.ensure_entity_views($1) IS NULL
