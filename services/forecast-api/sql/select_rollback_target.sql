-- The set that was published last before the one being served, was not rolled back, and whose content is still kept.
-- Index on published_seq.
SELECT s.set_id
FROM forecast.forecast_set s
WHERE s.status = 'superseded' AND EXISTS (SELECT FROM forecast.set_chunk c WHERE c.set_id = s.set_id)
ORDER BY s.published_seq DESC
LIMIT 1
