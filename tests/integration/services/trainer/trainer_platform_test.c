#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>
#include "common/arrow_table.h"
#include "common/clock.h"
#include "services/trainer/data_follower.h"
#include "services/trainer/planner.h"
#include "services/trainer/runner.h"
#include "services/trainer/trainer.h"
#include "tests/integration/services/trainer/fake_platform.h"
#include "tests/integration/services/trainer/trainer_database.h"

static FakePlatform platform;
static Trainer trainer;
static Hour complete_hour;
static const char training_set[] = "20260615T09-1";

static void step(WorkerFunction *worker)
{
    WorkerStep rest = {0};
    Error err = {0};
    cr_assert(worker(&trainer, &rest, &err), "%s", err.message);
}

static void begin(void)
{
    Error err;
    trainer_database_begin();
    cr_assert(clock_init("2026-06-15T10:00:30Z", &err), "%s", err.message);
    complete_hour = hour_of(clock_now()) - 1;
    fake_platform_start(&platform, complete_hour - 5 * HOURS_PER_WEEK, complete_hour);
    trainer.config = (TrainerConfig){
        .common = {.postgres = trainer_database.conninfo,
                   .ingest_url = platform.url,
                   .feature_store_url = platform.url,
                   .forecast_api_url = platform.url,
                   .spool_dir = "/tmp",
                   .token = ""},
        .timezone = "America/Bogota",
        .hour = 3,
        .grace_s = 600,
        .forecast_hours = 192,
        .threads = 1,
        .seed = 1,
        .lease_s = 20,
    };
    cr_assert(trainer_start(&trainer, &err), "%s", err.message);
    step(planner_database);
    step(planner_forecast_api);
    step(data_follower_ingest);
    step(data_follower_history);
}

static void end(void)
{
    trainer_stop(&trainer);
    fake_platform_stop(&platform);
    trainer_database_end();
}

TestSuite(trainer_platform, .init = begin, .fini = end, .timeout = 170);

/* What the planner does once the data has been quiet. */
static void plan(void)
{
    trainer.pace = (PlannerPace){.mark_hour = complete_hour, .mark_ms = clock_monotonic_ms()};
    step(planner_plan);
}

static int64_t count(const char *condition)
{
    return trainer_database_number("SELECT count(*) FROM training.run WHERE %s", condition);
}

enum { SET_GEO, SET_VERTICAL, SET_MODEL, SET_REASON, SET_MEAN, SET_P10, SET_P50, SET_P90, SET_COLUMNS };

static ArrowTable *read_set(const FakeSet *set, Arena *arena)
{
    static const ArrowColumn columns[SET_COLUMNS] = {
        {"geo", ARROW_COLUMN_TEXT, false},       {"vertical", ARROW_COLUMN_TEXT, true},
        {"model", ARROW_COLUMN_TEXT, false},     {"reason", ARROW_COLUMN_TEXT, true},
        {"mean", ARROW_COLUMN_REAL_LIST, false}, {"p10", ARROW_COLUMN_REAL_LIST, false},
        {"p50", ARROW_COLUMN_REAL_LIST, false},  {"p90", ARROW_COLUMN_REAL_LIST, false},
    };
    ArrowTable *table;
    Error err;
    cr_assert(arrow_table_read(set->data, set->length_bytes, columns, SET_COLUMNS, arena, &table, &err), "%s",
              err.message);
    return table;
}

/* Mean over the set of a geo's orders (vertical "": all of them); -1: not in the set. */
static double mean_of(const ArrowTable *table, const char *geo, const char *vertical)
{
    for (size_t row = 0; row < table->rows; row++) {
        const char *found = arrow_get_text(table, row, SET_VERTICAL);
        if (strcmp(arrow_get_text(table, row, SET_GEO), geo) == 0 &&
            strcmp(found == NULL ? "" : found, vertical) == 0) {
            size_t hours;
            double sum = 0;
            const double *mean = arrow_get_reals(table, row, SET_MEAN, &hours);
            for (size_t hour = 0; hour < hours; hour++) {
                sum += mean[hour];
            }
            return sum / (double)hours;
        }
    }
    return -1;
}

static void check_rows(const ArrowTable *table)
{
    for (size_t row = 0; row < table->rows; row++) {
        size_t hours;
        const double *mean = arrow_get_reals(table, row, SET_MEAN, &hours);
        cr_assert_eq(hours, 192);
        const double *p10 = arrow_get_reals(table, row, SET_P10, &hours);
        const double *p50 = arrow_get_reals(table, row, SET_P50, &hours);
        const double *p90 = arrow_get_reals(table, row, SET_P90, &hours);
        cr_assert_eq(hours, 192);
        for (size_t hour = 0; hour < hours; hour++) {
            cr_assert(mean[hour] >= 0 && p10[hour] >= 0 && p10[hour] <= p50[hour] && p50[hour] <= p90[hour]);
        }
        cr_assert_not_null(arrow_get_text(table, row, SET_MODEL));
    }
}

Test(trainer_platform, the_first_training_is_published)
{
    ARENA_SCOPED Arena *arena = arena_new();
    plan();
    cr_assert_eq(count("status = 'due' AND schedule = 'first-training'"), 1);
    step(runner_trainings);
    cr_assert_str_eq(trainer_database_text("SELECT status || coalesce(error, '') FROM training.run"), "succeeded");
    cr_assert_str_eq(trainer_database_text("SELECT set_id FROM training.run"), "20260615T09-1");
    cr_assert_eq(trainer_database_number("SELECT data_cursor FROM training.run"), complete_hour);
    cr_assert_eq(trainer_database_number("SELECT count(*) FROM training.model WHERE champion"), 3);
    cr_assert_eq(trainer_database_number("SELECT count(*) FROM training.backtest"), 3);

    cr_assert_str_eq(platform.wrong, "");
    cr_assert_eq(platform.sets_count, 2);
    FakeSet *first = fake_platform_set(&platform, "20260615T09-1-first");
    cr_assert_not_null(first, "answers while the training lasts");
    cr_assert_eq(first->publishes, 1);
    check_rows(read_set(first, arena));
    cr_assert_eq(read_set(first, arena)->rows, 8);
    FakeSet *set = fake_platform_set(&platform, training_set);
    cr_assert_not_null(set);
    cr_assert_eq(set->puts, 1);
    cr_assert_eq(set->publishes, 1);

    ArrowTable *table = read_set(set, arena);
    cr_assert_str_eq(table->metadata(table, "rushcast.cutoff"), "2026-06-15T09:00:00Z");
    cr_assert_str_eq(table->metadata(table, "rushcast.issued_at"), "2026-06-15T10:00:30Z");
    cr_assert_str_eq(table->metadata(table, "rushcast.hours"), "192");
    cr_assert_str_eq(table->metadata(table, "rushcast.kind"), "daily");
    cr_assert_eq(table->rows, 8, "three leaves, two parents, three leaves' restaurants; %zu", table->rows);
    check_rows(table);
    double a = mean_of(table, "cell-a", ""), b = mean_of(table, "cell-b", ""), all = mean_of(table, "all", "");
    cr_assert(a > 8 && a < 16, "cell-a: %f", a);
    cr_assert(b > 16 && b < 30, "cell-b: %f", b);
    cr_assert(all > 0.8 * (a + b) && all < 1.2 * (a + b), "all: %f", all);
    cr_assert(mean_of(table, "city:b", "") > 0);
    cr_assert(mean_of(table, "cell-a", "restaurant") > 0.3 * a);
    cr_assert(mean_of(table, "cell-a", "goods") < 0, "no goods were ever ordered");
    cr_assert(mean_of(table, "cell-new", "") >= 0, "a geo without history is forecast, too");
}

Test(trainer_platform, a_forecast_api_that_is_down_postpones_and_trains_once)
{
    plan();
    platform.failing_puts = 6; /* the set for the time of the training, and the training's */
    step(runner_trainings);
    cr_assert_eq(count("status = 'due' AND failures = 0 AND error IS NOT NULL"), 1, "%s",
                 trainer_database_text("SELECT status || failures || coalesce(error, '') FROM training.run"));
    char trained_at[64];
    snprintf(trained_at, sizeof trained_at, "%s", trainer_database_text("SELECT max(trained_at) FROM training.model"));
    platform.failing_puts = 0;
    trainer_database_run("UPDATE training.run SET due_at = now()");
    step(runner_trainings);
    cr_assert_eq(count("status = 'succeeded' AND attempts = 2"), 1);
    cr_assert_str_eq(trainer_database_text("SELECT max(trained_at) FROM training.model"), trained_at);
    cr_assert_eq(platform.sets_count, 2);
    cr_assert_eq(fake_platform_set(&platform, training_set)->publishes, 1);
}

Test(trainer_platform, a_set_that_was_sent_and_not_published_is_published)
{
    Error err;
    plan();
    platform.failing_publishes = 6;
    step(runner_trainings);
    cr_assert_eq(platform.sets_count, 2);
    cr_assert_eq(fake_platform_set(&platform, training_set)->publishes, 0);
    platform.failing_publishes = 0;
    trainer_database_run("UPDATE training.run SET due_at = now()");
    cr_assert(clock_init("2026-06-15T10:05:00Z", &err));
    step(runner_trainings);
    cr_assert_eq(count("status = 'succeeded' AND attempts = 2 AND failures = 0"), 1);
    cr_assert_eq(platform.sets_count, 2);
    cr_assert_eq(fake_platform_set(&platform, training_set)->puts, 1);
    cr_assert_eq(fake_platform_set(&platform, training_set)->publishes, 1);
}

Test(trainer_platform, restated_demand_and_later_hours_are_followed)
{
    ARENA_SCOPED Arena *arena = arena_new();
    plan();
    step(runner_trainings);
    cr_assert_eq(platform.full_exports, 1);
    plan();
    cr_assert_eq(count("status = 'due'"), 0, "%s",
                 trainer_database_text("SELECT string_agg(document::text, '') FROM training.run_document"));

    /* The last week is found to have had twice the orders. */
    platform.factor = 2;
    platform.cursor++;
    step(data_follower_history);
    cr_assert_eq(platform.later_exports, 1);
    plan();
    step(runner_forecasts);
    cr_assert_eq(count("kind = 'forecast' AND status = 'succeeded' AND published_seq IS NOT NULL"), 1, "%s",
                 trainer_database_text("SELECT string_agg(document::text, '') FROM training.run_document"));
    cr_assert_eq(platform.sets_count, 3);
    ArrowTable *before = read_set(&platform.sets[1], arena), *after = read_set(&platform.sets[2], arena);
    cr_assert_str_eq(after->metadata(after, "rushcast.kind"), "hourly");
    cr_assert(mean_of(after, "cell-a", "") > 1.1 * mean_of(before, "cell-a", ""));

    platform.cursor++;
    platform.complete_hour++;
    Error err;
    cr_assert(clock_init("2026-06-15T11:00:01Z", &err));
    step(data_follower_ingest);
    step(data_follower_history);
    plan();
    step(runner_forecasts);
    cr_assert_eq(platform.sets_count, 4);
    cr_assert_eq(platform.sets[3].publishes, 1);
    cr_assert(strncmp(platform.sets[3].id, "20260615T10-", 12) == 0, "%s", platform.sets[3].id);
}

Test(trainer_platform, an_older_cutoff_is_kept_but_not_published)
{
    plan();
    step(runner_trainings);
    trainer_database_run("INSERT INTO training.run (kind, cutoff, planned_at) VALUES"
                         " ('train', '2026-06-10T00:00:00Z', now()), ('backtest', '2026-06-14T00:00:00Z', now())");
    step(runner_trainings);
    step(runner_trainings);
    cr_assert_eq(count("status = 'succeeded'"), 3);
    cr_assert_eq(platform.sets_count, 3, "a backtest makes no set");
    cr_assert_eq(platform.sets[2].puts, 1);
    cr_assert_eq(platform.sets[2].publishes, 0);
    cr_assert_eq(trainer_database_number("SELECT count(*) FROM training.model WHERE version = 2 AND champion"), 0);
    cr_assert_eq(trainer_database_number("SELECT count(DISTINCT run_id) FROM training.backtest"), 3);
}

Test(trainer_platform, a_feature_store_that_was_made_anew_is_read_from_its_beginning)
{
    platform.cursor = 3;
    step(data_follower_history);
    cr_assert_eq(demand_store_first_hour(trainer.store), HOUR_NONE);
    step(data_follower_history);
    cr_assert_eq(platform.full_exports, 2);
    cr_assert_eq(demand_store_first_hour(trainer.store), platform.first_hour);
}

Test(trainer_platform, events_to_come_are_waited_for)
{
    platform.has_events_to_come = true;
    step(data_follower_ingest);
    cr_assert_not(trainer_inputs(&trainer).caught_up);
    platform.has_events_to_come = false;
    step(data_follower_ingest);
    cr_assert(trainer_inputs(&trainer).caught_up);
}
