-- Rows of an entity that are set aside. $1 entity.
SELECT count(*) FROM quality.quarantine() q WHERE q ->> 'entity' = $1 AND q ->> 'resolved_at' IS NULL
