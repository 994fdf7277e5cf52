#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "services/forecast-api/answer_text.h"
#include "tests/unit/services/forecast-api/snapshot_fixture.h"

TestSuite(answer);

static ForecastAnswer answer_of(const Snapshot *snapshot, const char *geo, Vertical vertical, size_t hours)
{
    ForecastAnswer answer;
    answer_make(snapshot, snapshot_find(snapshot, geo), vertical, hours, &answer);
    return answer;
}

static char *json_of(const ForecastAnswer *answer)
{
    Buffer out;
    buffer_init(&out, ANSWER_JSON_MAX_BYTES);
    answer_write_json(&out, answer);
    Error err;
    cr_assert(buffer_ok(&out, &err), "%s", err.message);
    size_t length_bytes;
    return buffer_steal(&out, &length_bytes);
}

static const Override doubled = {.id = "match",
                                 .geo = "old",
                                 .kind = OVERRIDE_FACTOR,
                                 .from = 498198,
                                 .to = 498199,
                                 .value = 2,
                                 .in_force = true,
                                 .revision = 12};

/* The clocks go back at 06:00Z. */
Test(answer, json_over_the_end_of_summer_time)
{
    Snapshot *snapshot = fixture_snapshot_with("2026-11-01T04:00:00Z", &doubled, 1);
    ForecastAnswer answer = answer_of(snapshot, "old", VERTICAL_ALL, 4);
    char *json = json_of(&answer);
    cr_assert_str_eq(
        json,
        "{\"geo\":\"old\",\"geo_version\":2,\"timezone\":\"America/New_York\",\"issued_at\":\"2026-10-31T22:05:00Z\","
        "\"cutoff\":\"2026-10-31T22:00:00Z\",\"set\":\"20261031T22-1\",\"revision\":12,\"model\":\"boosted\","
        "\"quality\":\"stale\",\"reason\":\"refresh_overdue\",\"hours\":4,\"forecast\":["
        "{\"hour\":\"2026-11-01T04:00:00Z\",\"hour_local\":\"2026-11-01T00:00:00-04:00\",\"mean\":10.5,\"p10\":5.25,"
        "\"p50\":9.45,\"p90\":21,\"couriers\":9,\"override\":null},"
        "{\"hour\":\"2026-11-01T05:00:00Z\",\"hour_local\":\"2026-11-01T01:00:00-04:00\",\"mean\":10.6,\"p10\":5.3,"
        "\"p50\":9.54,\"p90\":21.2,\"couriers\":9,\"override\":null},"
        "{\"hour\":\"2026-11-01T06:00:00Z\",\"hour_local\":\"2026-11-01T01:00:00-05:00\",\"mean\":21.4,\"p10\":10.7,"
        "\"p50\":19.26,\"p90\":42.8,\"couriers\":18,\"override\":\"match\"},"
        "{\"hour\":\"2026-11-01T07:00:00Z\",\"hour_local\":\"2026-11-01T02:00:00-05:00\",\"mean\":10.8,\"p10\":5.4,"
        "\"p50\":9.72,\"p90\":21.6,\"couriers\":9,\"override\":null}]}");
    free(json);
    shared_unref(snapshot);
}

Test(answer, csv_has_a_line_an_hour)
{
    Snapshot *snapshot = fixture_snapshot("2026-11-01T00:00:00Z");
    ForecastAnswer answer = answer_of(snapshot, "old", VERTICAL_GOODS, 1);
    Buffer out BUFFER_SCOPED;
    buffer_init(&out, ANSWER_JSON_MAX_BYTES);
    answer_write_csv_header(&out);
    answer_write_csv(&out, &answer);
    cr_assert_str_eq(out.data,
                     "geo,hour_utc,hour_local,mean,p10,p50,p90,couriers,override,model,quality,reason,revision\r\n"
                     "old,2026-11-01T00:00:00Z,2026-10-31T20:00:00-04:00,4.1,2.05,3.69,8.2,4,,seasonal,fallback,"
                     "short_history,9\r\n");
    shared_unref(snapshot);
}

Test(answer, is_complete_for_every_number_of_hours)
{
    Snapshot *snapshot = fixture_snapshot("2026-11-01T00:00:00Z");
    for (size_t hours = 1; hours <= ANSWER_HOURS_MAX; hours++) {
        ForecastAnswer answer = answer_of(snapshot, "old", VERTICAL_ALL, hours);
        cr_assert_eq(answer.hours, hours);
        cr_assert_eq(answer.quality, QUALITY_FRESH);
        cr_assert_null(answer.reason);
        for (size_t i = 0; i < hours; i++) {
            cr_assert_eq(answer.rows[i].hour, snapshot->first_hour + (Hour)i);
            cr_assert_float_eq(answer.rows[i].demand.mean, fixture_mean(10, i + 1), 1e-9);
        }
        char *json = json_of(&answer);
        size_t elements = 0;
        for (const char *at = strstr(json, "\"hour\":"); at != NULL; at = strstr(at + 1, "\"hour\":"))
            elements++;
        cr_assert_eq(elements, hours);
        free(json);
    }
    shared_unref(snapshot);
}

static const struct {
    const char *first_hour;
    size_t hours;
    AnswerQuality quality;
    const char *reason;
} qualities[] = {
    {"2026-10-31T23:00:00Z", 168, QUALITY_FRESH, NULL},
    {"2026-11-01T01:00:00Z", 168, QUALITY_FRESH, NULL},
    {"2026-11-01T02:00:00Z", 168, QUALITY_STALE, "refresh_overdue"},
    {"2026-11-01T23:00:00Z", 168, QUALITY_STALE, "refresh_overdue"},
    {"2026-11-02T00:00:00Z", 168, QUALITY_FALLBACK, "set_exhausted"},
    {"2026-11-02T00:00:00Z", 167, QUALITY_STALE, "refresh_overdue"},
    {"2027-03-01T00:00:00Z", 1, QUALITY_FALLBACK, "set_exhausted"},
    {"2026-10-30T00:00:00Z", 1, QUALITY_FALLBACK, "set_ahead"},
};

Test(answer, quality)
{
    for (size_t i = 0; i < sizeof qualities / sizeof *qualities; i++) {
        Snapshot *snapshot = fixture_snapshot(qualities[i].first_hour);
        ForecastAnswer answer = answer_of(snapshot, "old", VERTICAL_ALL, qualities[i].hours);
        cr_assert_eq(answer.quality, qualities[i].quality, "%s", qualities[i].first_hour);
        if (qualities[i].reason == NULL)
            cr_assert_null(answer.reason);
        else
            cr_assert_str_eq(answer.reason, qualities[i].reason);
        answer = answer_of(snapshot, "old", VERTICAL_GOODS, qualities[i].hours);
        cr_assert_eq(answer.quality, QUALITY_FALLBACK);
        cr_assert_str_eq(answer.reason, "short_history", "the series' own reason goes first");
        shared_unref(snapshot);
    }
}

Test(answer, hours_outside_of_the_set_are_those_of_the_same_hour_of_the_week)
{
    static const char *const firsts[] = {"2026-11-05T03:00:00Z", "2026-12-24T03:00:00Z", "2026-10-11T03:00:00Z"};
    for (size_t i = 0; i < 3; i++) {
        Snapshot *snapshot = fixture_snapshot(firsts[i]);
        ForecastAnswer answer = answer_of(snapshot, "all", VERTICAL_ALL, ANSWER_HOURS_MAX);
        for (size_t hour = 0; hour < ANSWER_HOURS_MAX; hour++) {
            int distance = answer.rows[hour].hour - answer.set->cutoff - 1;
            int of_week = (distance % 168 + 168) % 168;
            cr_assert_float_eq(answer.rows[hour].demand.mean, fixture_mean(30, (size_t)of_week), 1e-9);
        }
        shared_unref(snapshot);
    }
}

Test(answer, geo_without_a_series_gets_its_share_of_the_parent)
{
    Snapshot *snapshot = fixture_snapshot("2026-11-01T00:00:00Z");
    ForecastAnswer answer = answer_of(snapshot, "new", VERTICAL_ALL, 168);
    cr_assert_eq(answer.quality, QUALITY_FALLBACK);
    cr_assert_str_eq(answer.reason, "no_history");
    cr_assert_str_eq(answer.model, "parent_share");
    for (size_t i = 0; i < 168; i++) {
        const DemandEstimate *demand = &answer.rows[i].demand;
        cr_assert_float_eq(demand->mean, fixture_mean(20, i + 1) / 2, 1e-4);
        cr_assert(demand->p10 <= demand->p50 && demand->p50 <= demand->p90);
    }
    shared_unref(snapshot);
}

Test(answer, parent_without_a_series_gets_the_sum_of_its_leaves)
{
    Snapshot *snapshot = fixture_snapshot("2026-11-01T00:00:00Z");
    ForecastAnswer answer = answer_of(snapshot, "city:ny", VERTICAL_GOODS, 168);
    cr_assert_str_eq(answer.reason, "pooled");
    cr_assert_float_eq(answer.rows[0].demand.mean, fixture_mean(4, 1), 1e-9);
    cr_assert(answer.rows[0].demand.p10 < answer.rows[0].demand.p50);
    answer = answer_of(snapshot, "stray", VERTICAL_RESTAURANT, 168);
    cr_assert_float_eq(answer.rows[167].demand.p90, 0, 1e-12, "nothing is known of it, and an answer is still given");
    shared_unref(snapshot);
}

Test(answer, poisson_quantiles)
{
    cr_assert_float_eq(poisson_quantile(0, 0.9), 0, 1e-12);
    cr_assert_float_eq(poisson_quantile(0.1, 0.9), 0, 1e-12);
    cr_assert_float_eq(poisson_quantile(0.2, 0.9), 1, 1e-12);
    cr_assert_float_eq(poisson_quantile(10, 0.1), 6, 1e-12);
    cr_assert_float_eq(poisson_quantile(10, 0.5), 10, 1e-12);
    cr_assert_float_eq(poisson_quantile(10, 0.9), 14, 1e-12);
    cr_assert_float_eq(poisson_quantile(400, 0.9), 425.6, 0.1);
}
