-- Scores of a run by group. $1 run. Primary key.
SELECT json_build_object(
           'id', run_id, 'kind', kind, 'status', status, 'cutoff', training.rfc3339(cutoff), 'error', error,
           'groups', (SELECT coalesce(json_agg(json_build_object(
                                 'group', series_group, 'champion', method, 'series', series,
                                 'seconds', round(seconds::numeric, 3), 'scores', scores) ORDER BY series_group),
                             '[]'::json)
                      FROM training.backtest WHERE backtest.run_id = run.run_id))::text
FROM training.run WHERE run_id = $1::bigint AND kind IN ('train', 'backtest')
