-- Which runs are due. Everything here is a function of the given `now`, never of the server's clock.

-- The newest instant of a daily slot at or before `now`. A local time that a clock change skips is the instant as far
-- after midnight by the offset before the change; one that happens twice is the second: one instant a local day.
CREATE FUNCTION training.daily_slot(p_now timestamptz, p_timezone text, p_local_time time, p_days_ahead integer)
RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE p_days_ahead WHEN 0 THEN max(slot) FILTER (WHERE slot <= p_now)
                             ELSE min(slot) FILTER (WHERE slot > p_now) END
    FROM generate_series(-2, 2) AS day,
         LATERAL (SELECT ((p_now AT TIME ZONE p_timezone)::date + day + p_local_time) AT TIME ZONE p_timezone) AS s (slot)
$$;

CREATE FUNCTION training.last_full_hour(p_now timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT date_trunc('hour', p_now, 'UTC') - interval '1 hour'
$$;

-- The last hour to forecast from: complete by the watermark, or, when all events there are have been taken in, by the
-- clock and the grace (an hour without orders moves no watermark). Never an hour that `now` has not passed.
CREATE FUNCTION training.newest_cutoff(p_now timestamptz, p_complete_hour timestamptz, p_caught_up boolean)
RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT least(training.last_full_hour(p_now),
                 greatest(p_complete_hour,
                          CASE WHEN p_caught_up THEN training.last_full_hour(p_now - grace) END))
    FROM training.schedule WHERE schedule = 'hourly-forecast' AND p_complete_hour IS NOT NULL
$$;

-- Cutoff of the set that is being served, as far as this service published it.
CREATE FUNCTION training.published_cutoff() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT cutoff FROM training.run WHERE published_seq IS NOT NULL ORDER BY published_seq DESC LIMIT 1
$$;

-- A set does not replace one with a later cutoff, unless that one lies ahead of a clock that was set back.
CREATE FUNCTION training.may_publish(p_cutoff timestamptz, p_now timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(p_cutoff >= training.published_cutoff()
                    OR training.published_cutoff() > training.last_full_hour(p_now) + interval '1 hour', true)
$$;

-- Adds the runs that are due and returns their ids. Asking again adds nothing; after a stop only the newest slot of each
-- schedule is made up for. `p_restated`: demand at or before the newest cutoff has changed since it was forecast from.
CREATE FUNCTION training.plan_due_runs(p_now timestamptz, p_complete_hour timestamptz, p_first_hour timestamptz,
                                       p_caught_up boolean, p_restated boolean)
RETURNS SETOF bigint LANGUAGE plpgsql AS $$
DECLARE
    v_cutoff timestamptz := training.newest_cutoff(p_now, p_complete_hour, p_caught_up);
    v_last_full_hour timestamptz := training.last_full_hour(p_now);
    v_model_cutoff timestamptz;
    v_open_training boolean;
    v_schedule training.schedule;
    v_slot timestamptz;
    v_revision integer;
    v_newest training.run;
    v_ahead boolean;
    v_run_id bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('training.plan_due_runs', 0));
    IF v_cutoff IS NULL OR p_first_hour IS NULL OR p_first_hour > v_cutoff THEN
        RETURN;
    END IF;
    -- Models and runs that lie ahead of a clock that was set back do not count.
    SELECT max(cutoff) INTO v_model_cutoff FROM training.model WHERE cutoff <= v_cutoff;
    v_open_training := EXISTS (SELECT FROM training.run WHERE kind = 'train' AND status IN ('due', 'running')
                               AND cutoff <= v_cutoff);

    FOR v_schedule IN SELECT * FROM training.schedule WHERE kind = 'train' AND enabled ORDER BY schedule DESC LOOP
        CONTINUE WHEN v_cutoff + interval '1 hour' - p_first_hour < v_schedule.history_at_least;
        v_slot := NULL;
        IF v_schedule.schedule = 'daily-training' THEN
            v_slot := training.daily_slot(p_now, v_schedule.timezone, v_schedule.local_time, 0);
            IF v_model_cutoff IS NULL OR EXISTS (SELECT FROM training.run WHERE kind = 'train'
                                                 AND schedule IS NOT NULL AND planned_at BETWEEN v_slot AND p_now) THEN
                v_slot := NULL;
            END IF;
        ELSIF v_open_training THEN
            NULL;
        ELSIF v_schedule.schedule = 'first-training' AND v_model_cutoff IS NULL
              OR v_schedule.schedule = 'catch-up-training' AND v_cutoff - v_model_cutoff > interval '30 hours'
                 AND NOT EXISTS (SELECT FROM training.run WHERE kind = 'train' AND schedule IS NOT NULL
                                 AND cutoff > v_cutoff - interval '6 hours' AND cutoff <= v_cutoff) THEN
            v_slot := v_cutoff + interval '1 hour';
        END IF;
        CONTINUE WHEN v_slot IS NULL;

        v_run_id := NULL;
        INSERT INTO training.run (kind, cutoff, schedule, scheduled_for, planned_at)
        VALUES ('train', v_cutoff, v_schedule.schedule, v_slot, p_now)
        ON CONFLICT DO NOTHING RETURNING run_id INTO v_run_id;
        IF v_run_id IS NOT NULL THEN
            UPDATE training.run SET status = 'superseded', finished_at = now()
            WHERE kind = 'train' AND status = 'due' AND schedule IS NOT NULL AND cutoff < v_cutoff;
            v_open_training := true;
            RETURN NEXT v_run_id;
        END IF;
    END LOOP;

    SELECT * INTO v_schedule FROM training.schedule WHERE schedule = 'hourly-forecast' AND enabled;
    IF NOT FOUND OR v_model_cutoff IS NULL OR NOT training.may_publish(v_cutoff, p_now) THEN
        RETURN;
    END IF;
    SELECT * INTO v_newest FROM training.run WHERE kind = 'forecast' AND cutoff = v_cutoff
    ORDER BY revision DESC LIMIT 1;
    v_ahead := coalesce(training.published_cutoff() > v_last_full_hour + interval '1 hour', false);
    -- Data that has stopped: the same cutoff again, further ahead, so that answers stay complete.
    v_revision := floor(extract(epoch FROM v_last_full_hour - v_cutoff) / (12 * 3600));
    IF v_newest.run_id IS NULL THEN
        -- A training at this cutoff publishes from it, too.
        IF v_revision = 0 AND NOT v_ahead AND NOT p_restated
           AND (v_model_cutoff = v_cutoff
                OR EXISTS (SELECT FROM training.run WHERE kind = 'train' AND cutoff = v_cutoff
                           AND status = 'succeeded')) THEN
            RETURN;
        END IF;
    ELSIF v_newest.status IN ('due', 'running') THEN
        RETURN;
    ELSIF v_revision <= v_newest.revision THEN
        IF NOT (v_ahead OR p_restated) OR v_newest.status = 'failed' THEN
            RETURN;
        END IF;
        v_revision := v_newest.revision + 1;
    END IF;
    INSERT INTO training.run (kind, cutoff, revision, schedule, scheduled_for, planned_at)
    VALUES ('forecast', v_cutoff, v_revision, v_schedule.schedule, v_cutoff + interval '1 hour', p_now)
    ON CONFLICT DO NOTHING RETURNING run_id INTO v_run_id;
    IF v_run_id IS NOT NULL THEN
        UPDATE training.run SET status = 'superseded', finished_at = now()
        WHERE kind = 'forecast' AND status = 'due' AND schedule IS NOT NULL AND run_id < v_run_id;
        RETURN NEXT v_run_id;
    END IF;
END
$$;

CREATE FUNCTION training.rfc3339(p_instant timestamptz) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT to_char(p_instant AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
$$;

-- Read-only views: what the API answers, and what analysts may read.
CREATE VIEW training.run_document AS
SELECT run_id,
       json_build_object(
           'id', run_id, 'kind', kind, 'cutoff', training.rfc3339(cutoff), 'revision', revision, 'status', status,
           'schedule', schedule, 'scheduled_for', training.rfc3339(scheduled_for),
           'created_at', training.rfc3339(created_at), 'started_at', training.rfc3339(started_at),
           'finished_at', training.rfc3339(finished_at), 'attempts', attempts, 'share', share, 'what', what,
           'data_cursor', data_cursor, 'set', set_id, 'published', published_seq IS NOT NULL, 'error', error)
           AS document
FROM training.run;

CREATE VIEW training.model_document AS
SELECT version, series_group,
       json_build_object(
           'version', version, 'group', series_group, 'model', method, 'trained_at', training.rfc3339(trained_at),
           'cutoff', training.rfc3339(cutoff), 'data_cursor', data_cursor, 'seed', seed, 'parameters', parameters,
           'champion', champion, 'decision', decision, 'size_bytes', data_size_bytes, 'scores', scores) AS document
FROM training.model;
