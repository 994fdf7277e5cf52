-- $1: feature view, $2: watermark, $3: hour through which every geo has features. Neither moves backwards.
UPDATE features.progress
SET watermark = greatest(watermark, $2), complete_hour = greatest(complete_hour, $3)
WHERE feature_view = $1
    AND (watermark IS DISTINCT FROM greatest(watermark, $2) OR complete_hour IS DISTINCT FROM greatest(complete_hour, $3))
