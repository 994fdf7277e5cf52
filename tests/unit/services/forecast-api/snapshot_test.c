#include <criterion/criterion.h>
#include "common/arena.h"
#include "services/forecast-api/answer_body.h"
#include "tests/unit/services/forecast-api/snapshot_fixture.h"

TestSuite(snapshot);

Test(snapshot, finds_geos_of_catalog_and_set)
{
    static const char *const known[] = {"all", "city:ny", "new", "old", "stray"};
    Snapshot *snapshot = fixture_snapshot("2026-11-01T04:00:00Z");
    cr_assert_eq(snapshot->count, 5);
    for (size_t i = 0; i < 5; i++) {
        SnapshotGeo *geo = snapshot_find(snapshot, known[i]);
        cr_assert_not_null(geo);
        cr_assert_eq(geo, &snapshot->geos[i], "in the order of their ids");
        cr_assert_str_eq(geo->info.geo, known[i]);
    }
    cr_assert_null(snapshot_find(snapshot, "nowhere"));
    cr_assert_null(snapshot_find(snapshot, ""));
    cr_assert_str_eq(snapshot_find(snapshot, "stray")->info.timezone, "UTC");
    cr_assert(snapshot_is_leaf(snapshot_find(snapshot, "stray")));
    cr_assert_not(snapshot_is_leaf(snapshot_find(snapshot, "city:ny")));
    cr_assert_eq(snapshot_find(snapshot, "city:ny")->leaves, 2);
    cr_assert_eq(snapshot_find(snapshot, "all")->leaves, 3);
    shared_unref(snapshot);
}

Test(snapshot, finds_each_of_many)
{
    enum { MANY = 5000 };
    GeoCatalog *geos = geo_catalog_new(MANY);
    char name[24];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "87%07dffff", i * 13);
        geo_catalog_add(geos, &(GeoInfo){.geo = name, .name = name, .kind = "cell", .timezone = "UTC"});
    }
    geo_catalog_finish(geos);
    OverrideList *none = override_list_new(0);
    SnapshotParts parts = {.geos = geos, .overrides = none};
    ServingPolicy policy = {.stale_after_hours = 3, .couriers = courier_policy(2.5, 0.9)};
    Snapshot *snapshot = snapshot_new(&parts, &policy, HOUR_NONE);
    shared_unref(geos);
    shared_unref(none);
    for (int i = 0; i < MANY * 13; i++) {
        snprintf(name, sizeof name, "87%07dffff", i);
        cr_assert_eq(snapshot_find(snapshot, name) != NULL, i % 13 == 0);
    }
    shared_unref(snapshot);
}

static const Override overrides[] = {
    {.id = "ended",
     .geo = "old",
     .kind = OVERRIDE_FACTOR,
     .from = 498004,
     .to = 498005,
     .value = 9,
     .in_force = false,
     .revision = 30},
    {.id = "newer",
     .geo = "city:ny",
     .scope = OVERRIDE_CHILDREN,
     .kind = OVERRIDE_FACTOR,
     .from = 498000,
     .to = 498010,
     .value = 3,
     .in_force = true,
     .revision = 25},
    {.id = "own",
     .geo = "old",
     .kind = OVERRIDE_ABSOLUTE,
     .from = 498005,
     .to = 498006,
     .value = 50,
     .in_force = true,
     .revision = 20},
    {.id = "older",
     .geo = "city:ny",
     .scope = OVERRIDE_CHILDREN,
     .kind = OVERRIDE_FACTOR,
     .from = 498000,
     .to = 498020,
     .value = 2,
     .in_force = true,
     .revision = 15},
    {.id = "everywhere",
     .geo = "all",
     .scope = OVERRIDE_CHILDREN,
     .kind = OVERRIDE_FACTOR,
     .vertical = VERTICAL_GOODS,
     .from = 498000,
     .to = 498100,
     .value = 2,
     .in_force = true,
     .revision = 12},
    {.id = "gone",
     .geo = "nowhere",
     .kind = OVERRIDE_FACTOR,
     .from = 498000,
     .to = 498020,
     .value = 2,
     .in_force = true,
     .revision = 11},
};

static const char *holding(const Snapshot *snapshot, const char *geo, Vertical vertical, Hour hour)
{
    const Override *override = snapshot_override(snapshot, snapshot_find(snapshot, geo), vertical, hour);
    return override != NULL ? override->id : "none";
}

Test(snapshot, most_specific_then_newest_override_holds)
{
    Snapshot *snapshot = fixture_snapshot_with("2026-10-24T12:00:00Z", overrides, 6);
    cr_assert_str_eq(holding(snapshot, "old", VERTICAL_ALL, 498005), "own");
    cr_assert_str_eq(holding(snapshot, "old", VERTICAL_ALL, 498004), "newer");
    cr_assert_str_eq(holding(snapshot, "old", VERTICAL_ALL, 498010), "older");
    cr_assert_str_eq(holding(snapshot, "old", VERTICAL_ALL, 498020), "none");
    cr_assert_str_eq(holding(snapshot, "old", VERTICAL_GOODS, 498005), "newer");
    cr_assert_str_eq(holding(snapshot, "old", VERTICAL_GOODS, 498020), "everywhere");
    cr_assert_str_eq(holding(snapshot, "city:ny", VERTICAL_ALL, 498000), "newer");
    cr_assert_str_eq(holding(snapshot, "stray", VERTICAL_ALL, 498000), "none");
    cr_assert_str_eq(holding(snapshot, "stray", VERTICAL_GOODS, 498000), "everywhere");
    shared_unref(snapshot);
}

Test(snapshot, revision_rises_with_publication_place_and_overrides)
{
    Snapshot *snapshot = fixture_snapshot("2026-11-01T04:00:00Z");
    cr_assert_eq(snapshot_find(snapshot, "new")->revision, 9);
    cr_assert_eq(snapshot->revision, 9);
    shared_unref(snapshot);
    snapshot = fixture_snapshot_with("2026-11-01T04:00:00Z", overrides, 6);
    cr_assert_eq(snapshot_find(snapshot, "old")->revision, 30, "an ended override still raised it");
    cr_assert_eq(snapshot_find(snapshot, "city:ny")->revision, 25);
    cr_assert_eq(snapshot_find(snapshot, "new")->revision, 25);
    cr_assert_eq(snapshot_find(snapshot, "stray")->revision, 12);
    shared_unref(snapshot);
}

Test(snapshot, keeps_bodies_that_are_the_same)
{
    Snapshot *before = fixture_snapshot("2026-11-01T04:00:00Z");
    PreparedBody *old_body, *stray_body, *again;
    Error err;
    cr_assert(answer_body(before, snapshot_find(before, "old"), VERTICAL_ALL, &old_body, &err));
    cr_assert(answer_body(before, snapshot_find(before, "stray"), VERTICAL_ALL, &stray_body, &err));
    cr_assert(answer_body(before, snapshot_find(before, "old"), VERTICAL_ALL, &again, &err));
    cr_assert_eq(old_body, again, "serialized once");
    shared_unref(again);
    SnapshotParts parts = before->parts;
    parts.overrides = override_list_new(1);
    override_list_add(parts.overrides, &overrides[2]);
    Snapshot *after = snapshot_new(&parts, &before->policy, before->first_hour);
    shared_unref(parts.overrides);
    snapshot_adopt_bodies(after, before);
    shared_unref(before);
    cr_assert(answer_body(after, snapshot_find(after, "old"), VERTICAL_ALL, &again, &err));
    cr_assert_neq(old_body, again, "its revision has risen");
    shared_unref(again);
    cr_assert(answer_body(after, snapshot_find(after, "stray"), VERTICAL_ALL, &again, &err));
    cr_assert_eq(stray_body, again);
    shared_unref(again);
    shared_unref(old_body);
    shared_unref(stray_body);
    shared_unref(after);
}
