-- For the metrics: when the champion of the totals was trained up to, and the cutoff of what is published.
-- Indexes model_champion, run_published.
SELECT (SELECT cutoff FROM training.model WHERE series_group = 'total' AND champion), training.published_cutoff()
