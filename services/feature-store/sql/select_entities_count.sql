-- $1: kind. How many entities it has. Uses entity's unique index on (kind, key).
SELECT count(*) FROM features.entity WHERE kind = $1
