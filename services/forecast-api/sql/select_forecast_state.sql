-- What is to be served, in one row; polled every second. $1 now. Primary keys and the revision indexes.
SELECT p.seq, p.set_id,
       (SELECT coalesce(max(revision), 0) FROM forecast.geo),
       greatest((SELECT coalesce(max(created_revision), 0) FROM forecast.override),
                (SELECT coalesce(max(ended_revision), 0) FROM forecast.override)),
       EXISTS (SELECT FROM forecast.override
               WHERE ended_revision IS NULL AND least(coalesce(expires_at, to_hour), to_hour) <= $1)
FROM (SELECT 1) one
LEFT JOIN (SELECT seq, set_id FROM forecast.publication ORDER BY seq DESC LIMIT 1) p ON true
