-- $1 group. Index model_champion.
UPDATE training.model SET champion = false WHERE series_group = $1::text AND champion
