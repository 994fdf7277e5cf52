-- Every schedule with its last and its next run. $1 now. Index run_by_schedule.
SELECT json_build_object('now', training.rfc3339($1::timestamptz), 'schedules', json_agg(json_build_object(
           'schedule', s.schedule, 'kind', s.kind, 'description', s.description, 'enabled', s.enabled,
           'timezone', s.timezone, 'local_time', to_char(s.local_time, 'HH24:MI'),
           'grace_s', extract(epoch FROM s.grace)::int,
           'last_run', (SELECT document FROM training.run_document JOIN training.run USING (run_id)
                        WHERE run.schedule = s.schedule ORDER BY run_id DESC LIMIT 1),
           'next_run_at', CASE
               WHEN NOT s.enabled OR $1::timestamptz IS NULL THEN NULL
               WHEN s.timezone IS NOT NULL
                   THEN training.rfc3339(training.daily_slot($1::timestamptz, s.timezone, s.local_time, 1))
               WHEN s.grace IS NOT NULL
                   THEN training.rfc3339(training.last_full_hour($1::timestamptz) + interval '2 hours')
           END) ORDER BY s.schedule))::text
FROM training.schedule AS s
