-- $1: feature view.
SELECT source_cursor, recorded_seq, watermark, complete_hour, origin FROM features.progress WHERE feature_view = $1
