-- $1: feature view. Progress of the view; the lock makes recordings of several processes come one after another.
SELECT source_cursor, recorded_seq, watermark, complete_hour, origin FROM features.progress WHERE feature_view = $1 FOR UPDATE
