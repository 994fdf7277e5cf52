#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "services/trainer/demand_store.h"

static DemandStore *store;
static Arena *arena;
static Error err;

static void put(const char *geo, Hour hour, double orders, double restaurant, double goods)
{
    double counts[DEMAND_STORE_VERTICALS] = {orders, restaurant, goods};
    cr_assert(demand_store_put_demand(store, geo, hour, counts, &err), "%s", err.message);
}

static void know_since(const char *geo, const char *parent, bool is_parent, const char *timezone, Hour first_order)
{
    StoredGeo known = {.geo = geo,
                       .parent = parent,
                       .is_parent = is_parent,
                       .timezone = timezone,
                       .country = "AR",
                       .first_order = first_order};
    cr_assert(demand_store_put_geo(store, &known, &err), "%s", err.message);
}

static void know(const char *geo, const char *parent, bool is_parent, const char *timezone)
{
    know_since(geo, parent, is_parent, timezone, HOUR_NONE);
}

static void begin(void)
{
    store = demand_store_new();
    arena = arena_new();
    know("all", NULL, true, "UTC");
    know("city:a", "all", true, "America/Argentina/Buenos_Aires");
    know("x", "city:a", false, "America/Argentina/Buenos_Aires");
    know("y", "all", false, "UTC");
}

static void end(void)
{
    demand_store_free(store);
    arena_free(arena);
}

TestSuite(demand_store, .init = begin, .fini = end);

static const DemandSeries *find(const DemandHistory *history, const char *geo)
{
    for (size_t i = 0; i < history->count; i++) {
        if (strcmp(history->series[i].geo, geo) == 0) {
            return &history->series[i];
        }
    }
    cr_assert_fail("no series %s", geo);
    return NULL;
}

static void expect(const DemandSeries *series, Hour first, size_t hours, const float *demand)
{
    cr_assert_eq(series->first_hour, first, "%s begins at %d", series->geo, series->first_hour);
    cr_assert_eq(series->hours, hours, "%s has %zu hours", series->geo, series->hours);
    for (size_t h = 0; h < hours; h++) {
        cr_assert_float_eq(series->demand[h], demand[h], 1e-6f, "%s hour %zu: %f", series->geo, h,
                           (double)series->demand[h]);
    }
}

Test(demand_store, hours_that_nothing_came_for_are_zero)
{
    DemandSnapshot snapshot;
    put("x", 103, 4, 0, 0);
    put("x", 100, 1, 0, 0);
    put("x", 108, 9, 0, 0);
    demand_store_set_cursor(store, 77);
    demand_store_snapshot(store, 105, false, arena, &snapshot);
    cr_assert_eq(snapshot.cursor, 77);
    expect(find(&snapshot.groups[SERIES_TOTAL], "x"), 100, 6, (float[]){1, 0, 0, 4, 0, 0});
    cr_assert_str_eq(timezone_name(find(&snapshot.groups[SERIES_TOTAL], "x")->zone), "America/Argentina/Buenos_Aires");
    cr_assert_eq(snapshot.groups[SERIES_RESTAURANT].count, 0);
    cr_assert_eq(demand_store_first_hour(store), 100);
}

Test(demand_store, a_geo_without_history_up_to_the_cutoff_has_no_hours)
{
    DemandSnapshot snapshot;
    put("x", 100, 1, 0, 0);
    put("y", 110, 1, 0, 0);
    demand_store_snapshot(store, 105, false, arena, &snapshot);
    const DemandSeries *late = find(&snapshot.groups[SERIES_TOTAL], "y");
    cr_assert_eq(late->hours, 0);
    cr_assert_eq(late->first_hour, 106);
    demand_store_snapshot(store, 111, false, arena, &snapshot);
    expect(find(&snapshot.groups[SERIES_TOTAL], "y"), 110, 2, (float[]){1, 0});
}

Test(demand_store, a_geo_whose_orders_are_older_than_the_history_has_zeros)
{
    enum { CUTOFF = 100000 };
    static const float zeros[DEMAND_STORE_ENDED_HOURS];
    const Hour begins = CUTOFF - DEMAND_STORE_ENDED_HOURS + 1;
    DemandSnapshot snapshot;
    know_since("ended", "city:b", false, "UTC", 500);
    know_since("city:b", "all", true, "UTC", 500);
    know_since("back", "all", false, "UTC", 500);
    know_since("new", "all", false, "UTC", CUTOFF - 1);
    put("x", CUTOFF, 7, 3, 0);
    put("ended", CUTOFF, 0, 0, 0);
    put("back", CUTOFF + 1, 2, 1, 0);
    demand_store_snapshot(store, CUTOFF, false, arena, &snapshot);
    expect(find(&snapshot.groups[SERIES_TOTAL], "ended"), begins, DEMAND_STORE_ENDED_HOURS, zeros);
    expect(find(&snapshot.groups[SERIES_RESTAURANT], "ended"), begins, DEMAND_STORE_ENDED_HOURS, zeros);
    expect(find(&snapshot.groups[SERIES_PARENTS], "city:b"), begins, DEMAND_STORE_ENDED_HOURS, zeros);
    expect(find(&snapshot.groups[SERIES_TOTAL], "back"), begins, DEMAND_STORE_ENDED_HOURS, zeros);
    expect(find(&snapshot.groups[SERIES_PARENTS], "all"), CUTOFF, 1, (float[]){7});
    cr_assert_eq(find(&snapshot.groups[SERIES_TOTAL], "y")->hours, 0, "never had an order");
    cr_assert_eq(find(&snapshot.groups[SERIES_TOTAL], "new")->hours, 0, "its orders are yet to come");
    demand_store_snapshot(store, 499, false, arena, &snapshot);
    cr_assert_eq(find(&snapshot.groups[SERIES_TOTAL], "ended")->hours, 0, "before its first order");
}

Test(demand_store, a_geo_with_rows_and_no_first_order_is_asked_for)
{
    put("x", 100, 0, 0, 0);
    cr_assert(demand_store_has_unknown_geos(store));
    know_since("x", "city:a", false, "UTC", 5);
    cr_assert_not(demand_store_has_unknown_geos(store));
    put("x", 101, 0, 0, 0);
    cr_assert_not(demand_store_has_unknown_geos(store));
}

Test(demand_store, parents_are_the_sums_of_their_leaves)
{
    DemandSnapshot snapshot;
    put("x", 101, 2, 0, 0);
    put("x", 102, 3, 0, 0);
    put("y", 100, 1, 0, 0);
    put("y", 102, 5, 0, 0);
    demand_store_snapshot(store, 103, false, arena, &snapshot);
    const DemandHistory *parents = &snapshot.groups[SERIES_PARENTS];
    cr_assert_eq(parents->count, 2);
    expect(find(parents, "all"), 100, 4, (float[]){1, 2, 8, 0});
    expect(find(parents, "city:a"), 101, 3, (float[]){2, 3, 0});
    cr_assert_eq(snapshot.groups[SERIES_TOTAL].count, 2);
}

Test(demand_store, verticals_are_counted_once_they_have_demand)
{
    DemandSnapshot snapshot;
    put("x", 100, 5, 3, 0);
    put("y", 101, 1, 0, 0);
    demand_store_snapshot(store, 101, false, arena, &snapshot);
    cr_assert_eq(snapshot.groups[SERIES_GOODS].count, 0);
    expect(find(&snapshot.groups[SERIES_RESTAURANT], "x"), 100, 2, (float[]){3, 0});
    expect(find(&snapshot.groups[SERIES_RESTAURANT], "y"), 101, 1, (float[]){0});
}

Test(demand_store, an_unknown_geo_counts_and_is_asked_for)
{
    DemandSnapshot snapshot;
    put("new", 100, 1, 0, 0);
    cr_assert(demand_store_has_unknown_geos(store));
    demand_store_snapshot(store, 100, false, arena, &snapshot);
    expect(find(&snapshot.groups[SERIES_TOTAL], "new"), 100, 1, (float[]){1});
    expect(find(&snapshot.groups[SERIES_PARENTS], "all"), 100, 1, (float[]){1});
    know("new", "city:a", false, "UTC");
    cr_assert_not(demand_store_has_unknown_geos(store));
    cr_assert_eq(demand_store_geos_count(store), 5);
}

Test(demand_store, restatements_of_what_was_forecast_from_are_noticed)
{
    DemandSnapshot snapshot;
    put("x", 100, 8, 0, 0);
    put("x", 101, 12, 0, 0);
    cr_assert_float_eq(demand_store_restated(store), 0, 1e-12);
    demand_store_snapshot(store, 101, true, arena, &snapshot);
    put("x", 102, 50, 0, 0);
    cr_assert_float_eq(demand_store_restated(store), 0, 1e-12, "later hours are not restatements");
    put("x", 100, 10, 0, 0);
    put("x", 99, 3, 0, 0);
    cr_assert_float_eq(demand_store_restated(store), 5.0 / 20, 1e-12);
    demand_store_snapshot(store, 90, false, arena, &snapshot);
    cr_assert_float_eq(demand_store_restated(store), 5.0 / 20, 1e-12, "a backtest watches nothing");
    demand_store_snapshot(store, 102, true, arena, &snapshot);
    cr_assert_float_eq(demand_store_restated(store), 0, 1e-12);
}

Test(demand_store, clearing_keeps_the_geos)
{
    DemandSnapshot snapshot;
    put("x", 100, 8, 1, 1);
    demand_store_clear(store);
    cr_assert_eq(demand_store_first_hour(store), HOUR_NONE);
    cr_assert_eq(demand_store_cursor(store), 0);
    demand_store_snapshot(store, 100, false, arena, &snapshot);
    cr_assert_eq(snapshot.groups[SERIES_TOTAL].count, 2);
    cr_assert_eq(find(&snapshot.groups[SERIES_TOTAL], "x")->hours, 0);
}

Test(demand_store, limits)
{
    double one[DEMAND_STORE_VERTICALS] = {1, 0, 0};
    put("x", 0, 1, 0, 0);
    cr_assert_not(demand_store_put_demand(store, "x", DEMAND_STORE_HOURS_MAX, one, &err));
    cr_assert_eq(err.code, ERROR_TOO_LARGE);
    char id[GEO_ID_MAX + 1];
    memset(id, 'g', GEO_ID_MAX);
    id[GEO_ID_MAX] = '\0';
    cr_assert_not(demand_store_put_demand(store, id, 0, one, &err));
    cr_assert_eq(err.code, ERROR_MALFORMED);
    cr_assert_not(demand_store_put_geo(store, &(StoredGeo){.geo = "z", .timezone = "Mars/Olympus"}, &err));
}
