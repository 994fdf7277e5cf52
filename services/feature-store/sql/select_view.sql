-- $1: name, $2: version, $3: declaration. What was declared before, and whether it is the same.
SELECT declaration::text, schema_hash, declaration = $3::jsonb FROM features.view WHERE name = $1 AND version = $2
