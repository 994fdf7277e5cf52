-- What a new model has to measure up to. $1 group. Index model_champion.
SELECT version, method, cutoff, scores::text FROM training.model WHERE series_group = $1::text AND champion
