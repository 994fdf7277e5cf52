-- $1: view, $2: version, $3: start (null: from the first), $4: end, $5: incremental, $6: time to live in seconds.
-- An incremental one starts where the last finished one ended, or the time to live before its end when there is none.
-- Uses the partial index materialization_of_view.
INSERT INTO features.materialization (view_name, view_version, start_ts, end_ts, incremental)
SELECT $1, $2,
    CASE
        WHEN NOT $5 THEN $3
        ELSE coalesce(
            (SELECT max(done.end_ts) FROM features.materialization AS done
             WHERE done.state = 'done' AND done.view_name = $1 AND done.view_version = $2),
            $4::timestamptz - make_interval(secs => nullif($6, 0)::double precision))
    END,
    $4, $5
RETURNING materialization_id
