-- The model to forecast from a cutoff with: the champion, or, when that has seen later hours, the newest one that has
-- not. $1 group, $2 cutoff. Indexes model_champion, model_by_cutoff.
SELECT version, data_size_bytes, data FROM training.model
WHERE series_group = $1::text AND cutoff <= $2::timestamptz
ORDER BY champion DESC, cutoff DESC, version DESC LIMIT 1
