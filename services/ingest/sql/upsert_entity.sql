-- $1 entity, $2 source, $3 parent, $4 description, $5 owner, $6 subject, $7 personal columns, $8 version of the mapping.
-- Index: entity_pkey.
INSERT INTO raw.entity (entity, source, parent, description, owner, subject, personal_columns, mapping_version)
VALUES ($1, $2, $3, $4, $5, $6, $7::text[], $8)
ON CONFLICT (entity) DO UPDATE
SET parent = excluded.parent, description = excluded.description, owner = excluded.owner, subject = excluded.subject,
    personal_columns = excluded.personal_columns, mapping_version = excluded.mapping_version, updated_at = now()
