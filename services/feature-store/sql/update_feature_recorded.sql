-- $1: feature view, $2: number of the recording that is about to be committed.
UPDATE features.progress SET recorded_seq = $2 WHERE feature_view = $1
