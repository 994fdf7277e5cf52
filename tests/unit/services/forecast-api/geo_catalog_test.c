#include <criterion/criterion.h>
#include "services/forecast-api/geo_catalog.h"

TestSuite(geo_catalog);

Test(geo_catalog, is_sorted_owns_its_strings_and_knows_its_revision)
{
    char name[] = "b";
    GeoCatalog *catalog = geo_catalog_new(2);
    geo_catalog_add(catalog,
                    &(GeoInfo){.geo = name, .name = "B", .kind = "cell", .timezone = "Europe/Berlin", .revision = 5});
    geo_catalog_add(catalog,
                    &(GeoInfo){.geo = "a", .name = "A", .kind = "zone", .timezone = "Nowhere/Else", .revision = 3});
    name[0] = 'x';
    geo_catalog_finish(catalog);
    cr_assert_eq(catalog->count, 2);
    cr_assert_eq(catalog->revision, 5);
    cr_assert_str_eq(catalog->geos[0].geo, "a");
    cr_assert_str_eq(catalog->geos[0].timezone, "UTC", "an unknown zone is called what it is served as");
    cr_assert_str_eq(catalog->geos[1].geo, "b");
    cr_assert_str_eq(catalog->geos[1].timezone, "Europe/Berlin");
    shared_unref(catalog);
}

Test(geo_catalog, kind_of_an_unknown_geo_is_that_of_its_id)
{
    cr_assert_str_eq(geo_info_unknown("all").kind, "all");
    cr_assert_str_eq(geo_info_unknown("city:rosario").kind, "city");
    cr_assert_str_eq(geo_info_unknown("87c2e3020ffffff").kind, "cell");
    cr_assert_str_eq(geo_info_unknown("harbour").kind, "zone");
}
