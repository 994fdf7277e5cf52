#include <criterion/criterion.h>
#include <string.h>
#include "gen/trainer_sql.h"
#include "services/trainer/run_queue.h"
#include "tests/integration/services/trainer/trainer_database.h"

TestSuite(trainer_schedule, .init = trainer_database_begin, .fini = trainer_database_end);

static const char *const long_ago = "2026-01-01T00:00:00Z";

static Hour hour(const char *text)
{
    Hour value;
    Error err;
    cr_assert(hour_parse(text, &value, &err), "%s", err.message);
    return value;
}

static Instant instant(const char *text)
{
    Instant value;
    Error err;
    cr_assert(instant_parse(text, &value, &err), "%s", err.message);
    return value;
}

static size_t plan_inputs(RunInputs inputs)
{
    size_t added;
    Error err;
    cr_assert(run_queue_plan(trainer_database.connection, &inputs, &added, &err), "%s", err.message);
    return added;
}

/* Plans twice: the second time must add nothing. Returns what the first added. */
static size_t plan(const char *now, const char *complete_hour, bool caught_up, bool restated)
{
    RunInputs inputs = {.now = instant(now),
                        .complete_hour = hour(complete_hour),
                        .first_hour = hour(long_ago),
                        .caught_up = caught_up,
                        .restated = restated};
    size_t added = plan_inputs(inputs);
    cr_assert_eq(plan_inputs(inputs), 0, "planned again at %s", now);
    return added;
}

static int64_t count(const char *condition)
{
    return trainer_database_number("SELECT count(*) FROM training.run WHERE %s", condition);
}

static const char *newest(const char *column)
{
    return trainer_database_text("SELECT coalesce(%s::text, '') FROM training.run ORDER BY run_id DESC LIMIT 1",
                                 column);
}

/* All open runs succeed: those that train leave a model, all but backtests publish. */
static void do_runs(void)
{
    trainer_database_run(
        "INSERT INTO training.model (version, series_group, method, cutoff, data_cursor, seed, parameters, scores,"
        " decision, data_size_bytes, data) SELECT run_id, 'total', 'equal', cutoff, 1, 1, '{}', '[]', '', 0, ''"
        " FROM training.run WHERE kind = 'train' AND status IN ('due', 'running');"
        "UPDATE training.run SET status = 'succeeded', finished_at = now(),"
        " published_seq = nextval('training.published_seq') WHERE status IN ('due', 'running')");
}

/* A model trained up to that hour, and published. */
static void trained(const char *cutoff)
{
    trainer_database_run("INSERT INTO training.run (kind, cutoff, schedule, scheduled_for, planned_at)"
                         " VALUES ('train', '%s', 'first-training', '%s', '%s')",
                         cutoff, cutoff, cutoff);
    do_runs();
}

Test(trainer_schedule, every_statement_prepares)
{
    for (size_t i = 0; i < trainer_statements_count; i++) {
        PGresult *prepared = PQprepare(pg_handle(trainer_database.connection), "", trainer_statements[i]->sql, 0, NULL);
        cr_expect_eq(PQresultStatus(prepared), PGRES_COMMAND_OK, "%s: %s", trainer_statements[i]->name,
                     PQerrorMessage(pg_handle(trainer_database.connection)));
        PQclear(prepared);
    }
    cr_assert_gt(trainer_statements_count, 20);
}

Test(trainer_schedule, nothing_is_due_without_data)
{
    RunInputs inputs = {.now = instant("2026-06-01T10:01:00Z"), .complete_hour = HOUR_NONE, .first_hour = HOUR_NONE};
    cr_assert_eq(plan_inputs(inputs), 0);
    inputs.complete_hour = hour("2026-06-01T09:00:00Z");
    cr_assert_eq(plan_inputs(inputs), 0);
}

Test(trainer_schedule, the_first_training_is_due_with_eight_days_of_history)
{
    RunInputs inputs = {.now = instant("2026-06-09T09:59:00Z"),
                        .complete_hour = hour("2026-06-09T08:00:00Z"),
                        .first_hour = hour("2026-06-01T10:00:00Z"),
                        .caught_up = true};
    cr_assert_eq(plan_inputs(inputs), 0);
    inputs.now = instant("2026-06-09T10:00:01Z");
    inputs.complete_hour = hour("2026-06-09T09:00:00Z");
    cr_assert_eq(plan_inputs(inputs), 1);
    cr_assert_eq(plan_inputs(inputs), 0);
    inputs.now = instant("2026-06-09T11:00:01Z");
    inputs.complete_hour = hour("2026-06-09T10:00:00Z");
    cr_assert_eq(plan_inputs(inputs), 0, "it is still to be done");
    cr_assert_str_eq(newest("schedule"), "first-training");
    cr_assert_str_eq(newest("training.rfc3339(cutoff)"), "2026-06-09T09:00:00Z");
}

Test(trainer_schedule, an_hour_is_forecast_from_when_the_watermark_passes_it)
{
    trained("2026-06-01T09:00:00Z");
    cr_assert_eq(plan("2026-06-01T10:30:00Z", "2026-06-01T09:00:00Z", false, false), 0, "the training published it");
    cr_assert_eq(plan("2026-06-01T11:00:01Z", "2026-06-01T10:00:00Z", false, false), 1);
    cr_assert_str_eq(newest("kind"), "forecast");
    cr_assert_str_eq(newest("training.rfc3339(scheduled_for)"), "2026-06-01T11:00:00Z");
    do_runs();
    cr_assert_eq(plan("2026-06-01T11:59:59Z", "2026-06-01T10:00:00Z", false, false), 0);
    cr_assert_eq(plan("2026-06-01T11:59:59Z", "2026-06-01T11:00:00Z", false, false), 0, "ahead of the clock");
}

Test(trainer_schedule, the_clock_is_the_deadline_when_all_events_are_taken_in)
{
    trained("2026-06-01T09:00:00Z");
    cr_assert_eq(plan("2026-06-01T11:09:59Z", "2026-06-01T09:00:00Z", true, false), 0);
    cr_assert_eq(plan("2026-06-01T11:10:00Z", "2026-06-01T09:00:00Z", false, false), 0, "events are still to come");
    cr_assert_eq(plan("2026-06-01T11:10:00Z", "2026-06-01T09:00:00Z", true, false), 1);
    cr_assert_str_eq(newest("training.rfc3339(cutoff)"), "2026-06-01T10:00:00Z");
}

Test(trainer_schedule, a_cutoff_that_stands_still_is_forecast_from_again_further_ahead)
{
    trained("2026-06-01T09:00:00Z");
    cr_assert_eq(plan("2026-06-01T21:30:00Z", "2026-06-01T09:00:00Z", false, false), 0);
    cr_assert_eq(plan("2026-06-01T22:00:00Z", "2026-06-01T09:00:00Z", false, false), 1);
    cr_assert_str_eq(newest("revision"), "1");
    do_runs();
    cr_assert_eq(plan("2026-06-02T02:00:00Z", "2026-06-01T09:00:00Z", false, false), 0);
}

Test(trainer_schedule, restated_demand_is_forecast_from_again)
{
    trained("2026-06-01T09:00:00Z");
    cr_assert_eq(plan("2026-06-01T10:30:00Z", "2026-06-01T09:00:00Z", false, true), 1);
    do_runs();
    cr_assert_eq(plan("2026-06-01T10:31:00Z", "2026-06-01T09:00:00Z", false, false), 0);
    cr_assert_eq(plan("2026-06-01T10:32:00Z", "2026-06-01T09:00:00Z", false, true), 1);
    cr_assert_str_eq(newest("revision"), "1");
    trainer_database_run("UPDATE training.run SET status = 'failed' WHERE status = 'due'");
    cr_assert_eq(plan("2026-06-01T10:33:00Z", "2026-06-01T09:00:00Z", false, true), 0, "not after a failure");
}

Test(trainer_schedule, after_a_stop_only_the_newest_is_made_up_for)
{
    trained("2026-06-01T01:00:00Z");
    cr_assert_eq(plan("2026-06-01T03:00:01Z", "2026-06-01T02:00:00Z", true, false), 2, "the hour and the day");
    do_runs();
    cr_assert_eq(plan("2026-06-01T04:00:01Z", "2026-06-01T03:00:00Z", true, false), 1);
    do_runs();
    /* Stopped for three days and some hours. */
    cr_assert_eq(plan("2026-06-04T09:20:00Z", "2026-06-04T08:00:00Z", true, false), 2);
    cr_assert_eq(count("status = 'due' AND kind = 'forecast' AND cutoff = '2026-06-04T08:00:00Z'"), 1);
    cr_assert_eq(count("status = 'due' AND schedule = 'daily-training' AND scheduled_for = '2026-06-04T03:00:00Z'"), 1);
}

Test(trainer_schedule, an_older_refresh_that_was_not_begun_is_superseded)
{
    trained("2026-06-01T09:00:00Z");
    plan("2026-06-01T11:00:01Z", "2026-06-01T10:00:00Z", true, false);
    plan("2026-06-01T12:00:01Z", "2026-06-01T11:00:00Z", true, false);
    cr_assert_eq(count("status = 'superseded' AND cutoff = '2026-06-01T10:00:00Z'"), 1);
    trainer_database_run("UPDATE training.run SET status = 'running' WHERE status = 'due'");
    plan("2026-06-01T13:00:01Z", "2026-06-01T12:00:00Z", true, false);
    cr_assert_eq(count("status = 'running' AND cutoff = '2026-06-01T11:00:00Z'"), 1, "one in progress is let finish");
}

Test(trainer_schedule, history_that_grew_by_a_backfill_is_trained_on)
{
    trained("2026-06-01T09:00:00Z");
    cr_assert_eq(plan("2026-06-01T10:00:00Z", "2026-06-01T09:00:00Z", true, false), 0);
    /* The clock of a replay stands at the watermark: its days pass in seconds. */
    trainer_database_run("UPDATE training.schedule SET enabled = false WHERE schedule = 'daily-training'");
    cr_assert_eq(plan("2026-06-02T15:00:00Z", "2026-06-02T14:00:00Z", true, false), 1, "a forecast");
    do_runs();
    cr_assert_eq(plan("2026-06-02T17:00:00Z", "2026-06-02T16:00:00Z", true, false), 2, "a training as well");
    cr_assert_eq(count("status = 'due' AND schedule = 'catch-up-training'"), 1);
}

Test(trainer_schedule, a_clock_that_jumps_forward_and_back)
{
    trained("2026-06-01T08:00:00Z");
    cr_assert_eq(plan("2026-06-01T10:00:01Z", "2026-06-01T09:00:00Z", true, false), 1);
    do_runs();
    cr_assert_eq(plan("2026-06-11T10:20:00Z", "2026-06-01T09:00:00Z", true, false), 2);
    cr_assert_eq(count("status = 'due' AND cutoff = '2026-06-11T09:00:00Z'"), 2);
    do_runs();
    /* Back again: what was published lies in the future, so what is served is made anew, once. */
    cr_assert_eq(plan("2026-06-01T10:25:00Z", "2026-06-01T09:00:00Z", true, false), 1);
    cr_assert_str_eq(newest("kind || ' ' || revision || ' ' || training.rfc3339(cutoff)"),
                     "forecast 1 2026-06-01T09:00:00Z");
    do_runs();
    cr_assert_eq(plan("2026-06-01T10:26:00Z", "2026-06-01T09:00:00Z", true, false), 0);
    cr_assert_eq(plan("2026-06-01T11:00:01Z", "2026-06-01T10:00:00Z", true, false), 1, "and time goes on");
    do_runs();
    cr_assert_eq(plan("2026-06-02T03:00:01Z", "2026-06-02T02:00:00Z", true, false), 2, "trainings, too");
    do_runs();
    /* The slot that was run early is not run again. */
    trainer_database_run("UPDATE training.schedule SET enabled = schedule = 'daily-training'");
    cr_assert_eq(plan("2026-06-11T09:30:00Z", "2026-06-11T08:00:00Z", true, false), 0);
    cr_assert_eq(plan("2026-06-12T03:00:01Z", "2026-06-12T02:00:00Z", true, false), 1);
}

Test(trainer_schedule, a_clock_that_is_set_back_a_little_changes_nothing)
{
    trained("2026-06-01T08:00:00Z");
    plan("2026-06-01T10:00:01Z", "2026-06-01T09:00:00Z", true, false);
    do_runs();
    cr_assert_eq(plan("2026-06-01T09:59:30Z", "2026-06-01T09:00:00Z", true, false), 0);
    cr_assert_eq(plan("2026-06-01T10:00:02Z", "2026-06-01T09:00:00Z", true, false), 0);
}

typedef struct Season {
    char timezone[32], local_time[8], begin[24], slot[24];
} Season;

/* Around a change of clocks, every ten minutes of three days: one training a local day. */
static void walk(const Season *season)
{
    Instant begin = instant(season->begin);
    char cutoff[INSTANT_TEXT_MAX];
    trainer_database_run("UPDATE training.schedule SET timezone = '%s', local_time = '%s' WHERE timezone IS NOT NULL",
                         season->timezone, season->local_time);
    hour_format(hour_of(begin) - 2, cutoff);
    trained(cutoff);
    for (Instant now = begin; now < begin + 72 * INSTANT_PER_HOUR; now += INSTANT_PER_HOUR / 6) {
        plan_inputs((RunInputs){
            .now = now, .complete_hour = hour_of(now) - 1, .first_hour = hour(long_ago), .caught_up = true});
        do_runs();
    }
    cr_assert_eq(count("schedule = 'daily-training'"), 3);
    cr_assert_eq(count("schedule = 'catch-up-training'"), 0);
    cr_assert_eq(count("kind = 'forecast'"), 72);
    cr_assert_eq(trainer_database_number("SELECT count(DISTINCT (scheduled_for AT TIME ZONE '%s')::date)"
                                         " FROM training.run WHERE schedule = 'daily-training'",
                                         season->timezone),
                 3);
    cr_assert_eq(trainer_database_number("SELECT count(*) FROM training.run WHERE schedule = 'daily-training'"
                                         " AND scheduled_for = '%s'",
                                         season->slot),
                 1);
}

Test(trainer_schedule, a_local_time_that_does_not_exist)
{
    /* Clocks go from 02:00 to 03:00 on 2026-03-08: 02:30 is what would have been. */
    walk(&(Season){"America/New_York", "02:30", "2026-03-07T06:00:00Z", "2026-03-08T07:30:00Z"});
}

Test(trainer_schedule, a_local_time_that_exists_twice)
{
    /* Clocks go from 02:00 back to 01:00 on 2026-11-01: 01:30 is the second one. */
    walk(&(Season){"America/New_York", "01:30", "2026-10-31T05:00:00Z", "2026-11-01T06:30:00Z"});
}

Test(trainer_schedule, two_planners_at_once_plan_a_run_once)
{
    static const char sql[] = "SELECT training.plan_due_runs('2026-06-01T11:00:01Z', '2026-06-01T10:00:00Z',"
                              " '2026-01-01T00:00:00Z', true, false)";
    PG_SCOPED PgConnection *other = NULL;
    Error err;
    trained("2026-06-01T09:00:00Z");
    cr_assert(pg_acquire(trainer_database.pool, 5000, &other, &err), "%s", err.message);
    trainer_database_run("BEGIN");
    PGresult *first = PQexec(pg_handle(trainer_database.connection), sql);
    cr_assert_eq(PQsendQuery(pg_handle(other), sql), 1);
    trainer_database_run("SELECT pg_sleep(0.2); COMMIT");
    PGresult *second = PQgetResult(pg_handle(other));
    cr_assert_eq(PQntuples(first), 1);
    cr_assert_eq(PQresultStatus(second), PGRES_TUPLES_OK);
    cr_assert_eq(PQntuples(second), 0);
    PQclear(first);
    PQclear(second);
    while ((second = PQgetResult(pg_handle(other))) != NULL) {
        PQclear(second);
    }
}

Test(trainer_schedule, the_schedule_says_when_runs_are_due_next)
{
    Error err;
    PGresult *rows = NULL;
    trained("2026-06-01T09:00:00Z");
    cr_assert(pg_run(trainer_database.connection, &sql_configure_schedule,
                     PG_PARAMS(pg_text("America/Bogota"), pg_int(4), pg_real(120)), NULL, &err),
              "%s", err.message);
    cr_assert(pg_run(trainer_database.connection, &sql_select_schedule_document,
                     PG_PARAMS(pg_instant(instant("2026-06-01T10:30:00Z"))), &rows, &err),
              "%s", err.message);
    const char *document = pg_get_text(rows, 0, 0);
    cr_assert(strstr(document, "\"next_run_at\" : \"2026-06-02T09:00:00Z\"") != NULL, "%s", document);
    cr_assert(strstr(document, "\"next_run_at\" : \"2026-06-01T11:00:00Z\"") != NULL, "%s", document);
    cr_assert(strstr(document, "\"grace_s\" : 120") != NULL, "%s", document);
    PQclear(rows);
}
