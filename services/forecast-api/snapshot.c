#include "services/forecast-api/snapshot.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void snapshot_destroy(void *object)
{
    Snapshot *snapshot = object;
    for (uint32_t i = 0; i < snapshot->count; i++)
        for (int vertical = 0; vertical < VERTICALS; vertical++)
            shared_unref(atomic_load_explicit(&snapshot->geos[i].bodies[vertical], memory_order_relaxed));
    shared_unref(snapshot->parts.set);
    shared_unref(snapshot->parts.geos);
    shared_unref(snapshot->parts.overrides);
    arena_free(snapshot->arena);
    free(snapshot);
}

/* FNV-1a, 32 bits; the upper half is mixed in because the table uses the lower bits. */
static uint32_t geo_hash(const char *geo)
{
    uint32_t hash = 2166136261u;
    for (const char *c = geo; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    return hash ^ (hash >> 16);
}

SnapshotGeo *snapshot_find(const Snapshot *snapshot, const char *geo)
{
    for (uint32_t at = geo_hash(geo);; at++) {
        uint32_t slot = snapshot->table[at & snapshot->table_mask];
        if (slot == 0)
            return NULL;
        if (strcmp(snapshot->geos[slot - 1].info.geo, geo) == 0)
            return &snapshot->geos[slot - 1];
    }
}

static uint32_t find_index(const Snapshot *snapshot, const char *geo)
{
    const SnapshotGeo *found = geo != NULL ? snapshot_find(snapshot, geo) : NULL;
    return found != NULL ? (uint32_t)(found - snapshot->geos) : SNAPSHOT_NONE;
}

/* Both lists are sorted by geo; the set has several rows for a geo. */
static void join_geos(Snapshot *snapshot)
{
    const GeoCatalog *catalog = snapshot->parts.geos;
    const IssuedSet *set = snapshot->parts.set;
    size_t series_count = set != NULL ? set->count : 0;
    snapshot->geos = arena_array(snapshot->arena, catalog->count + series_count + 1, sizeof *snapshot->geos);
    size_t known = 0, issued = 0;
    while (known < catalog->count || issued < series_count) {
        SnapshotGeo *geo = &snapshot->geos[snapshot->count++];
        int order = known == catalog->count  ? 1
                    : issued == series_count ? -1
                                             : strcmp(catalog->geos[known].geo, set->series[issued].geo);
        geo->info = order <= 0 ? catalog->geos[known++] : geo_info_unknown(set->series[issued].geo);
        geo->overrides = SNAPSHOT_NONE;
        for (; issued < series_count && strcmp(set->series[issued].geo, geo->info.geo) == 0; issued++)
            geo->series[set->series[issued].vertical] = &set->series[issued];
    }
}

static void index_geos(Snapshot *snapshot)
{
    uint32_t capacity = 16;
    while (capacity < 2 * snapshot->count)
        capacity *= 2;
    snapshot->table = arena_array(snapshot->arena, capacity, sizeof *snapshot->table);
    snapshot->table_mask = capacity - 1;
    for (uint32_t i = 0; i < snapshot->count; i++) {
        uint32_t at = geo_hash(snapshot->geos[i].info.geo);
        while (snapshot->table[at & snapshot->table_mask] != 0)
            at++;
        snapshot->table[at & snapshot->table_mask] = i + 1;
    }
}

static bool is_parent_kind(const SnapshotGeo *geo)
{
    return strcmp(geo->info.kind, "city") == 0 || strcmp(geo->info.kind, "all") == 0;
}

bool snapshot_is_leaf(const SnapshotGeo *geo)
{
    return geo->leaves == 0 && !is_parent_kind(geo);
}

static void link_parents(Snapshot *snapshot)
{
    snapshot->all = find_index(snapshot, "all");
    for (uint32_t i = 0; i < snapshot->count; i++) {
        SnapshotGeo *geo = &snapshot->geos[i];
        geo->parent = find_index(snapshot, geo->info.parent);
        if (geo->parent == SNAPSHOT_NONE)
            geo->parent = snapshot->all;
        if (geo->parent == i)
            geo->parent = SNAPSHOT_NONE;
        if (is_parent_kind(geo))
            continue;
        if (geo->parent != SNAPSHOT_NONE)
            snapshot->geos[geo->parent].leaves++;
        if (snapshot->all != SNAPSHOT_NONE && geo->parent != snapshot->all && i != snapshot->all)
            snapshot->geos[snapshot->all].leaves++;
    }
}

/* Newest first within each chain, as in the list. */
static void link_overrides(Snapshot *snapshot)
{
    const OverrideList *list = snapshot->parts.overrides;
    snapshot->override_next = arena_array(snapshot->arena, list->count + 1, sizeof *snapshot->override_next);
    for (size_t i = list->count; i-- > 0;) {
        SnapshotGeo *geo = snapshot_find(snapshot, list->items[i].geo);
        if (geo == NULL)
            continue;
        snapshot->override_next[i] = geo->overrides;
        geo->overrides = (uint32_t)i;
    }
}

/* The geos whose overrides concern this one, most specific first; SNAPSHOT_NONE where there is none. */
static void scopes_of(const Snapshot *snapshot, const SnapshotGeo *geo, uint32_t ret_scopes[SNAPSHOT_SCOPES])
{
    uint32_t own = (uint32_t)(geo - snapshot->geos);
    ret_scopes[0] = own;
    ret_scopes[1] = geo->parent;
    ret_scopes[2] = snapshot->all != own && snapshot->all != geo->parent ? snapshot->all : (uint32_t)SNAPSHOT_NONE;
}

static bool concerns(const Override *override, int scope)
{
    return scope == 0 || override->scope == OVERRIDE_CHILDREN;
}

const Override *snapshot_override(const Snapshot *snapshot, const SnapshotGeo *geo, Vertical vertical, Hour hour)
{
    if (snapshot->parts.overrides->count == 0)
        return NULL;
    uint32_t scopes[SNAPSHOT_SCOPES];
    scopes_of(snapshot, geo, scopes);
    for (int scope = 0; scope < SNAPSHOT_SCOPES; scope++) {
        if (scopes[scope] == SNAPSHOT_NONE)
            continue;
        for (uint32_t i = snapshot->geos[scopes[scope]].overrides; i != SNAPSHOT_NONE; i = snapshot->override_next[i]) {
            const Override *override = &snapshot->parts.overrides->items[i];
            if (concerns(override, scope) && override_covers(override, vertical, hour))
                return override;
        }
    }
    return NULL;
}

static bool lacks_series(const SnapshotGeo *geo)
{
    for (int vertical = 0; vertical < VERTICALS; vertical++)
        if (geo->series[vertical] == NULL)
            return true;
    return false;
}

static int64_t revision_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t override_revision(const Snapshot *snapshot, const SnapshotGeo *geo)
{
    int64_t revision = 0;
    uint32_t scopes[SNAPSHOT_SCOPES];
    scopes_of(snapshot, geo, scopes);
    for (int scope = 0; scope < SNAPSHOT_SCOPES; scope++)
        for (uint32_t i = scopes[scope] != SNAPSHOT_NONE ? snapshot->geos[scopes[scope]].overrides : SNAPSHOT_NONE;
             i != SNAPSHOT_NONE; i = snapshot->override_next[i])
            if (concerns(&snapshot->parts.overrides->items[i], scope))
                revision = revision_max(revision, snapshot->parts.overrides->items[i].revision);
    return revision;
}

/* A geo whose answers are shares or sums of others changes with any change of the catalog. */
static void set_revisions(Snapshot *snapshot)
{
    snapshot->revision = snapshot->parts.publication_seq;
    for (uint32_t i = 0; i < snapshot->count; i++) {
        SnapshotGeo *geo = &snapshot->geos[i];
        int64_t place = lacks_series(geo) ? snapshot->parts.geos->revision : geo->info.revision;
        geo->revision = revision_max(snapshot->parts.publication_seq, place);
        if (snapshot->parts.overrides->count > 0)
            geo->revision = revision_max(geo->revision, override_revision(snapshot, geo));
        snapshot->revision = revision_max(snapshot->revision, geo->revision);
    }
}

static void pool_add(Snapshot *snapshot, uint32_t parent, Vertical vertical, const IssuedSeries *series)
{
    if (parent == SNAPSHOT_NONE || snapshot->geos[parent].series[vertical] != NULL)
        return;
    size_t hours = snapshot->parts.set->hours;
    SnapshotPool **pool = &snapshot->geos[parent].pool[vertical];
    if (*pool == NULL) {
        *pool = arena_zalloc(snapshot->arena, sizeof **pool);
        (*pool)->mean = arena_array(snapshot->arena, hours, sizeof(double));
        (*pool)->variance = arena_array(snapshot->arena, hours, sizeof(double));
    }
    /* Standard deviation of a normal distribution with these p10 and p90, but at least a Poisson's. */
    for (size_t i = 0; i < hours; i++) {
        const DemandEstimate *demand = &series->hours[i];
        double deviation = (demand->p90 - demand->p10) / 2.5631;
        (*pool)->mean[i] += demand->mean;
        (*pool)->variance[i] += fmax(deviation * deviation, demand->mean);
    }
}

static void add_pools(Snapshot *snapshot)
{
    for (uint32_t i = 0; i < snapshot->count; i++) {
        const SnapshotGeo *geo = &snapshot->geos[i];
        if (!snapshot_is_leaf(geo))
            continue;
        for (Vertical vertical = 0; vertical < VERTICALS; vertical++) {
            if (geo->series[vertical] == NULL)
                continue;
            pool_add(snapshot, geo->parent, vertical, geo->series[vertical]);
            if (geo->parent != snapshot->all)
                pool_add(snapshot, snapshot->all, vertical, geo->series[vertical]);
        }
    }
}

Snapshot *snapshot_new(const SnapshotParts *parts, const ServingPolicy *policy, Hour first_hour)
{
    Snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (snapshot == NULL)
        abort();
    shared_init(&snapshot->shared, snapshot_destroy);
    snapshot->arena = arena_new();
    snapshot->parts = *parts;
    snapshot->policy = *policy;
    snapshot->first_hour = first_hour;
    if (parts->set != NULL)
        shared_ref(&parts->set->shared);
    shared_ref(&parts->geos->shared);
    shared_ref(&parts->overrides->shared);
    join_geos(snapshot);
    index_geos(snapshot);
    link_parents(snapshot);
    link_overrides(snapshot);
    set_revisions(snapshot);
    add_pools(snapshot);
    return snapshot;
}

void snapshot_adopt_bodies(Snapshot *snapshot, Snapshot *before)
{
    if (before->parts.set != snapshot->parts.set || before->first_hour != snapshot->first_hour ||
        before->parts.publication_seq != snapshot->parts.publication_seq)
        return;
    for (uint32_t i = 0; i < snapshot->count; i++) {
        SnapshotGeo *geo = &snapshot->geos[i];
        SnapshotGeo *old = snapshot_find(before, geo->info.geo);
        if (old == NULL || old->revision != geo->revision)
            continue;
        for (int vertical = 0; vertical < VERTICALS; vertical++) {
            PreparedBody *body = atomic_load_explicit(&old->bodies[vertical], memory_order_acquire);
            if (body == NULL)
                continue;
            prepared_body_ref(body);
            atomic_store_explicit(&geo->bodies[vertical], body, memory_order_relaxed);
        }
    }
}
