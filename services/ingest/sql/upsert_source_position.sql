-- $1 source, $2 stream, $3 position, $4 batch (null: nothing was recorded). Index: source_position_pkey.
INSERT INTO raw.source_position AS p (source, stream, position, batch_id)
VALUES ($1, $2, $3, $4)
ON CONFLICT (source, stream) DO UPDATE
SET position = excluded.position, batch_id = coalesce(excluded.batch_id, p.batch_id), updated_at = now()
