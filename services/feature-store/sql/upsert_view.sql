-- $1: name, $2: version, $3: declaration, $4: schema hash.
INSERT INTO features.view (name, version, declaration, schema_hash) VALUES ($1, $2, $3::jsonb, $4)
ON CONFLICT (name, version) DO UPDATE
SET declaration = excluded.declaration, schema_hash = excluded.schema_hash, applied_at = now()
