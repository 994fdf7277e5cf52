#include "services/feature-store/on_demand/on_demand.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *const declared[] = {
    "{\"name\": \"geo_calendar\", \"version\": 1, \"description\": \"d\", \"owner\": \"o\", \"ttl_s\": 0,"
    " \"source\": {\"kind\": \"on_demand\"}, \"entity\": {\"name\": \"geo\", \"join_key\": \"geo\"}, \"features\": ["
    "{\"name\": \"holiday\", \"type\": \"string\", \"description\": \"d\"},"
    "{\"name\": \"local_hour\", \"type\": \"int64\", \"description\": \"d\"},"
    "{\"name\": \"days_to_holiday\", \"type\": \"int64\", \"description\": \"d\"},"
    "{\"name\": \"is_holiday\", \"type\": \"bool\", \"description\": \"d\"}]}",
    "{\"name\": \"geo_calendar\", \"version\": 2, \"description\": \"d\", \"owner\": \"o\", \"ttl_s\": 0,"
    " \"source\": {\"kind\": \"on_demand\"}, \"entity\": {\"name\": \"geo\", \"join_key\": \"geo\"}, \"features\": ["
    "{\"name\": \"local_hour\", \"type\": \"float64\", \"description\": \"d\"}]}",
    "{\"name\": \"moon\", \"version\": 1, \"description\": \"d\", \"owner\": \"o\", \"ttl_s\": 0,"
    " \"source\": {\"kind\": \"on_demand\"}, \"entity\": {\"name\": \"geo\", \"join_key\": \"geo\"}, \"features\": ["
    "{\"name\": \"phase\", \"type\": \"int64\", \"description\": \"d\"}]}",
};

static FeatureViews views;
static GeoPlaces *places;

static void set_up(void)
{
    Error err;
    cr_assert(feature_views_load(declared, 3, &views, &err), "%s", err.message);
    places = geo_places_new();
}

static void tear_down(void)
{
    geo_places_free(places);
    feature_views_fini(&views);
}

TestSuite(on_demand, .init = set_up, .fini = tear_down);

static bool compute(const char *geo, const char *at, FeatureValue values[4])
{
    FeatureRow row = {.values = values};
    Instant instant;
    Error err;
    cr_assert(instant_parse(at, &instant, &err), "%s", err.message);
    if (!on_demand_compute(&views.items[0], places, geo, instant, &row))
        return false;
    cr_assert_eq(row.event_timestamp, instant);
    return true;
}

Test(on_demand, features_come_in_the_order_of_the_declaration)
{
    FeatureValue values[4];
    Error err;
    cr_assert(geo_places_put(places, "g", "America/Argentina/Buenos_Aires", "AR", &err), "%s", err.message);
    cr_assert(compute("g", "2026-12-25T02:30:00Z", values)); /* still the 24th there */
    cr_assert(values[0].null);
    cr_assert_eq(values[1].integer, 23);
    cr_assert_eq(values[2].integer, 1);
    cr_assert_not(values[3].boolean);
    cr_assert(compute("g", "2026-12-25T03:00:00Z", values));
    cr_assert(!values[0].null && values[0].text[0] != '\0');
    cr_assert_eq(values[1].integer, 0);
    cr_assert_eq(values[2].integer, 0);
    cr_assert(values[3].boolean);
}

Test(on_demand, a_geo_may_move_and_an_unknown_one_has_no_row)
{
    FeatureValue values[4];
    Error err;
    cr_assert_not(compute("g", "2026-06-01T12:00:00Z", values));
    cr_assert(geo_places_put(places, "g", "Europe/Berlin", "", &err), "%s", err.message);
    cr_assert(compute("g", "2026-06-01T12:00:00Z", values));
    cr_assert_eq(values[1].integer, 14);
    cr_assert(values[2].null, "no country is known, so no holidays are");
    cr_assert(geo_places_put(places, "g", "UTC", "", &err), "%s", err.message);
    cr_assert(compute("g", "2026-06-01T12:00:00Z", values));
    cr_assert_eq(values[1].integer, 12);
    cr_assert_not(geo_places_put(places, "h", "Europe/Atlantis", "", &err));
    cr_assert(strstr(err.message, "geo h") != NULL, "%s", err.message);
}

Test(on_demand, what_can_not_be_computed_is_refused_at_the_start)
{
    Error err;
    cr_assert(on_demand_check(&views.items[0], &err), "%s", err.message);
    cr_assert_not(on_demand_check(&views.items[1], &err));
    cr_assert(strstr(err.message, "local_hour") != NULL, "%s", err.message);
    cr_assert_not(on_demand_check(&views.items[2], &err));
    cr_assert(strstr(err.message, "moon") != NULL, "%s", err.message);
}
