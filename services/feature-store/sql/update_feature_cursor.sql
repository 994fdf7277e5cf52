-- $1: feature view, $2: cursor of its source up to which changes are stored.
UPDATE features.progress SET source_cursor = $2 WHERE feature_view = $1
