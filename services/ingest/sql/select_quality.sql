-- Results of all checks as JSON, those of the time since $1; lost messages and counts that differ in any case.
-- Index: gap_pkey, reconciliation_pkey, rule_result_pkey, dead_letter_received.
SELECT json_build_object(
    'gaps', (
        SELECT coalesce(json_agg(json_build_object(
                   'geo', g.geo, 'from', quality.instant_text(p.from_hour), 'to', quality.instant_text(p.to_hour),
                   'orders', p.orders, 'expected', round(p.expected::numeric, 1),
                   'log10_probability', round(p.log10_probability::numeric, 1),
                   'found_at', quality.instant_text(p.found_at), 'resolved_at', quality.instant_text(p.resolved_at))
                   ORDER BY p.from_hour, g.geo), '[]')
        FROM quality.gap p JOIN core.geo g USING (geo_id)
        WHERE p.to_hour > $1),
    'stream_gaps', (
        SELECT coalesce(json_agg(json_build_object(
                   'topic', topic, 'partition', partition, 'from_offset', from_offset, 'to_offset', to_offset,
                   'from_event_at', quality.instant_text(from_event_at), 'to_event_at', quality.instant_text(to_event_at),
                   'detected_at', quality.instant_text(detected_at), 'filled_at', quality.instant_text(filled_at))
                   ORDER BY detected_at, topic, partition, from_offset), '[]')
        FROM quality.stream_gaps()
        WHERE detected_at >= $1 OR filled_at IS NULL),
    'reconciliation', (
        SELECT coalesce(json_agg(json_build_object(
                   'day', day, 'source', source, 'subject', subject, 'source_count', source_count,
                   'repository_count', repository_count, 'difference', difference, 'state', state, 'detail', detail,
                   'attempts', attempts, 'checked_at', quality.instant_text(checked_at))
                   ORDER BY day DESC, source, subject), '[]')
        FROM quality.reconciliation
        WHERE checked_at >= $1 OR state IN ('pending', 'differs', 'failed')),
    'rules', (
        SELECT coalesce(json_agg(json_build_object(
                   'rule', r.rule_id, 'table', r.table_name, 'kind', r.kind, 'description', r.description,
                   'severity', r.severity, 'owner', r.owner, 'checked_rows', coalesce(done.checked_rows, 0),
                   'failed_rows', coalesce(done.failed_rows, 0), 'samples', coalesce(to_json(done.samples), '[]'),
                   'checked_at', quality.instant_text(done.checked_at)) ORDER BY r.rule_id), '[]')
        FROM quality.rule r
        LEFT JOIN LATERAL (
            SELECT sum(checked_rows) AS checked_rows, sum(failed_rows) AS failed_rows, max(checked_at) AS checked_at,
                   (array_agg(DISTINCT sample) FILTER (WHERE sample IS NOT NULL))[1:10] AS samples
            FROM (SELECT result.rule_id, result.checked_at,
                         CASE WHEN sample_no = 1 THEN result.checked_rows ELSE 0 END AS checked_rows,
                         CASE WHEN sample_no = 1 THEN result.failed_rows ELSE 0 END AS failed_rows, sample
                  FROM quality.rule_result result
                  CROSS JOIN LATERAL unnest(result.sample_keys || NULL::text) WITH ORDINALITY AS s (sample, sample_no)
                  WHERE result.rule_id = r.rule_id AND result.day >= ($1 AT TIME ZONE 'UTC')::date) by_sample
        ) done ON true),
    'rules_behind', (
        SELECT coalesce((SELECT max(commit_seq) FROM raw.batch), 0) - commit_seq FROM quality.progress
        WHERE check_name = 'rules'),
    'quarantine', (
        SELECT coalesce(json_agg(json_build_object('entity', entity, 'rule', rule, 'rows', open_rows)
                                 ORDER BY entity, rule), '[]')
        FROM quality.quarantine_counts()),
    'drift', (
        SELECT coalesce(json_agg(json_build_object('source', source, 'stream', stream, 'kind', kind, 'fields', fields,
                                                   'times', times) ORDER BY source, stream, kind), '[]')
        FROM (SELECT source, stream, kind, count(*) AS fields, sum(times) AS times
              FROM raw.schema_drift
              WHERE last_seen_at >= $1
              GROUP BY source, stream, kind) counted),
    'dead_letters', (
        SELECT coalesce(json_agg(json_build_object('day', day, 'reason', reason, 'messages', messages)
                                 ORDER BY day, reason), '[]')
        FROM (SELECT (received_at AT TIME ZONE 'UTC')::date AS day, reason, count(*) AS messages
              FROM raw.dead_letter
              WHERE received_at >= $1
              GROUP BY 1, 2) counted))::text
