#include "services/feature-store/geo_demand/geo_demand_store.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "gen/feature_store_sql.h"
#include "services/feature-store/geo_demand/feature_progress.h"
#include "services/feature-store/offline/feature_sql.h"
#include "services/feature-store/geo_demand/geo_demand_features.h"
#include "services/feature-store/offline/offline_export.h"
#include "tests/integration/services/feature-store/feature_store_fixture.h"

TestSuite(geo_demand_store, .init = feature_store_set_up, .fini = feature_store_tear_down);

Test(geo_demand_store, every_statement_prepares)
{
    for (size_t i = 0; i < feature_store_statements_count; i++) {
        const PgStatement *statement = feature_store_statements[i];
        PGresult *result = PQprepare(pg_handle(fixture_connection()), statement->name, statement->sql, 0, NULL);
        cr_assert_eq(PQresultStatus(result), PGRES_COMMAND_OK, "%s: %s", statement->name, PQresultErrorMessage(result));
        PQclear(result);
    }
}

Test(geo_demand_store, every_declared_view_has_its_table)
{
    Arena *arena = arena_new();
    for (size_t i = 0; i < fixture.views.count; i++) {
        const FeatureView *view = &fixture.views.items[i];
        int indices[FEATURES_PER_VIEW_MAX];
        size_t kept = 0;
        if (!feature_view_is_stored(view))
            continue;
        for (size_t feature = 0; feature < view->features_count; feature++) {
            if (!view->features[feature].online_only)
                indices[kept++] = (int)feature;
        }
        const char *statements[] = {
            feature_sql_export(view, indices, kept, true, arena),
            feature_sql_online(view, arena),
            feature_sql_sample(view, arena),
            feature_sql_newest_event(view, arena),
            feature_sql_newest_rows(view, arena),
        };
        for (size_t j = 0; j < sizeof(statements) / sizeof(statements[0]); j++) {
            PGresult *result = PQprepare(pg_handle(fixture_connection()), "", statements[j], 0, NULL);
            cr_assert_eq(PQresultStatus(result), PGRES_COMMAND_OK, "%s: %s", view->name, PQresultErrorMessage(result));
            PQclear(result);
        }
    }
    arena_free(arena);
}

Test(geo_demand_store, hours_without_orders_have_rows)
{
    GeoDemandChange changes[] = {
        {"a", fixture_hour(0), "restaurant", 2}, {"a", fixture_hour(0), "goods", 1},
        {"a", fixture_hour(0), NULL, 4},         {"a", fixture_hour(3), "goods", 5},
        {"b", fixture_hour(2), "restaurant", 7}, {"b", fixture_hour(9), "restaurant", 100},
    };
    int64_t cursor;
    fixture_apply(0, changes, 6);
    cr_assert_eq(fixture_record(fixture_hour(4)), 5 + 3, "a: hours 0..4, b: 2..4");
    char *text = fixture_export(0, &cursor);
    cr_assert_str_eq(text, "geo,hour_utc,orders\n"
                           "a,2026-11-02T00:00:00Z,7\na,2026-11-02T01:00:00Z,0\na,2026-11-02T02:00:00Z,0\n"
                           "a,2026-11-02T03:00:00Z,5\na,2026-11-02T04:00:00Z,0\n"
                           "b,2026-11-02T02:00:00Z,7\nb,2026-11-02T03:00:00Z,0\nb,2026-11-02T04:00:00Z,0\n");
    free(text);
    cr_assert_eq(cursor, 1);
    cr_assert_eq(fixture_record(fixture_hour(6)), 4, "two hours pass without orders in two geos");
    cr_assert_eq(fixture_record(fixture_hour(6)), 0, "nothing is recorded twice");
    cr_assert_eq(fixture_record(fixture_hour(5)), 0, "the hour never goes back");
}

Test(geo_demand_store, a_page_twice_is_a_page_once)
{
    GeoDemandChange changes[] = {{"a", fixture_hour(0), "restaurant", 2}, {"a", fixture_hour(1), "restaurant", 3}};
    int64_t first, second;
    fixture_apply(0, changes, 2);
    fixture_record(fixture_hour(1));
    char *once = fixture_export(0, &first);
    fixture_apply(0, changes, 2);
    fixture_apply(1, changes, 2);
    cr_assert_eq(fixture_record(fixture_hour(1)), 0);
    char *twice = fixture_export(0, &second);
    cr_assert_str_eq(once, twice);
    cr_assert_eq(first, second);
    free(once);
    free(twice);
}

Test(geo_demand_store, a_page_out_of_turn_is_refused)
{
    Error err;
    cr_assert_not(geo_demand_apply(fixture_connection(), 3, 4, NULL, 0, &err));
    cr_assert_eq(err.code, ERROR_CONFLICT);
}

Test(geo_demand_store, impossible_changes_store_nothing)
{
    GeoDemandChange good = {"a", fixture_hour(0), "goods", 1};
    GeoDemandChange bad[] = {
        {"a", fixture_hour(0), "goods", -1},
        {"a", fixture_hour(0), "goods", GEO_DEMAND_ORDERS_MAX + 1},
        {"a", fixture_hour(0), "parcels", 1},
        {"", fixture_hour(0), "goods", 1},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        Error err;
        FeatureProgress progress;
        cr_assert_not(geo_demand_apply(fixture_connection(), 0, 1, (GeoDemandChange[]){good, bad[i]}, 2, &err));
        cr_assert_eq(err.code, ERROR_UPSTREAM);
        cr_assert(feature_progress_read(fixture_connection(), GEO_DEMAND_TABLE, false, &progress, &err), "%s",
                  err.message);
        cr_assert_eq(progress.source_cursor, 0);
    }
}

/* 800 hours over a change of month; then one order more in hour 100. */
Test(geo_demand_store, a_late_order_records_what_it_changed)
{
    enum { HOURS = 800 };
    GeoDemandChange changes[HOURS];
    int64_t before, after, none;
    for (int hour = 0; hour < HOURS; hour++)
        changes[hour] = (GeoDemandChange){"a", fixture_hour(hour), "goods", 1 + hour % 7};
    fixture_apply(0, changes, HOURS);
    cr_assert_eq(fixture_record(fixture_hour(HOURS - 1)), HOURS);
    free(fixture_export(0, &before));
    fixture_apply(1, &(GeoDemandChange){"a", fixture_hour(100), "goods", 1 + 100 % 7 + 1}, 1);
    cr_assert_eq(fixture_record(fixture_hour(HOURS - 1)), 336 + 2, "the hours whose features it changes");
    char *all = fixture_export(0, &after);
    char *changed = fixture_export(before, &after);
    cr_assert_eq(fixture_lines(all), 1 + HOURS, "each hour once, in its newest value");
    cr_assert_eq(fixture_lines(changed), 1 + 336 + 2);
    cr_assert_not_null(strstr(all, "a,2026-11-06T04:00:00Z,4\n"));
    cr_assert_not_null(strstr(changed, "a,2026-11-06T04:00:00Z,4\n"));
    free(all);
    free(changed);
    changed = fixture_export(after, &none);
    cr_assert_eq(fixture_lines(changed), 1);
    cr_assert_eq(none, after);
    free(changed);
}

Test(geo_demand_store, a_geo_may_turn_out_to_begin_earlier)
{
    int64_t cursor;
    fixture_apply(0, &(GeoDemandChange){"a", fixture_hour(50), "goods", 1}, 1);
    cr_assert_eq(fixture_record(fixture_hour(60)), 11);
    fixture_apply(1, &(GeoDemandChange){"a", fixture_hour(48), "goods", 1}, 1);
    cr_assert_eq(fixture_record(fixture_hour(60)), 2 + 11, "two new hours, and the sums of all after them");
    char *text = fixture_export(0, &cursor);
    cr_assert_eq(fixture_lines(text), 1 + 13);
    free(text);
}

Test(geo_demand_store, hours_beyond_the_history_have_no_rows)
{
    GeoDemandChange changes[] = {
        {"a", 24, "goods", 1},
        {"a", fixture_hour(0) - GEO_DEMAND_HISTORY_HOURS, "goods", 1},
        {"a", fixture_hour(0), "goods", 1},
    };
    fixture_apply(0, changes, 3);
    cr_assert_eq(fixture_record(fixture_hour(0)), GEO_DEMAND_LOOKBACK_HOURS + 1,
                 "what looks back on the order just before the history, and the newest hour");
}

Test(geo_demand_store, idle_hours_have_no_rows_but_the_newest)
{
    int64_t cursor;
    fixture_apply(0, &(GeoDemandChange){"a", fixture_hour(0), "goods", 1}, 1);
    cr_assert_eq(fixture_record(fixture_hour(2000)), GEO_DEMAND_LOOKBACK_HOURS + 2);
    cr_assert_eq(fixture_record(fixture_hour(2000)), 0);
    free(fixture_export(0, &cursor));
    cr_assert_eq(fixture_record(fixture_hour(2010)), 1, "the online store's row");
    char *text = fixture_export(cursor, &cursor);
    cr_assert_str_eq(text, "geo,hour_utc,orders\na,2027-01-24T18:00:00Z,0\n");
    free(text);
    fixture_apply(1, &(GeoDemandChange){"a", fixture_hour(1990), "goods", 1}, 1);
    cr_assert_eq(fixture_record(fixture_hour(2010)), 21, "a late order ends the idleness of those hours");
    fixture_apply(2, &(GeoDemandChange){"a", fixture_hour(0), "goods", 0}, 1);
    cr_assert_eq(fixture_record(fixture_hour(2010)), 336 + 2, "recorded hours that are idle now are restated");
}

Test(geo_demand_store, unknown_geo_is_named)
{
    Error err;
    FeatureProgress progress;
    ExportRequest request = {.view = fixture_view(), .features = (int[]){0}, .features_count = 1, .entity = "nowhere"};
    FILE *out = tmpfile();
    cr_assert_not(offline_export_write(fixture_connection(), &request, TABLE_CSV, out, &progress, &err));
    cr_assert_eq(err.code, ERROR_NOT_FOUND);
    cr_assert_not_null(strstr(err.message, "nowhere"));
    fclose(out);
}
