#include "services/trainer/demand_store.h"

#include <assert.h>
#include <glib.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { ANCESTORS_MAX = 4 };

typedef struct Geo {
    char *geo, *parent;
    char country[8];
    const TimeZone *zone;
    bool known, is_parent;
    Hour first_order; /* ever, as demand_store_put_geo() was told; may lie before the history */
    Hour first_hour;  /* of the history */
    size_t hours, capacity;
    float *counts[DEMAND_STORE_VERTICALS]; /* a vertical without any demand has none */
} Geo;

struct DemandStore {
    pthread_mutex_t mutex;
    GHashTable *geos; /* id -> Geo */
    size_t values, unknown;
    int64_t cursor;
    bool has_vertical[DEMAND_STORE_VERTICALS];
    Hour watched_cutoff;
    double restated, watched_week;
};

static void forget_demand(Geo *geo)
{
    for (size_t v = 0; v < DEMAND_STORE_VERTICALS; v++) {
        free(geo->counts[v]);
        geo->counts[v] = NULL;
    }
    geo->hours = geo->capacity = 0;
    geo->first_hour = HOUR_NONE;
}

static void geo_free(void *data)
{
    Geo *geo = data;
    forget_demand(geo);
    free(geo->geo);
    free(geo->parent);
    free(geo);
}

DemandStore *demand_store_new(void)
{
    DemandStore *store = g_malloc0(sizeof *store);
    pthread_mutex_init(&store->mutex, NULL);
    store->geos = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, geo_free);
    store->watched_cutoff = HOUR_NONE;
    return store;
}

void demand_store_free(DemandStore *store)
{
    if (store == NULL) {
        return;
    }
    g_hash_table_destroy(store->geos);
    pthread_mutex_destroy(&store->mutex);
    g_free(store);
}

void demand_store_clear(DemandStore *store)
{
    pthread_mutex_lock(&store->mutex);
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, store->geos);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        forget_demand(value);
    }
    store->values = 0;
    store->cursor = 0;
    memset(store->has_vertical, 0, sizeof store->has_vertical);
    pthread_mutex_unlock(&store->mutex);
}

static char *copy_text(const char *text)
{
    char *copy = text == NULL ? NULL : strdup(text);
    if (text != NULL && copy == NULL) {
        abort();
    }
    return copy;
}

static bool find_or_add(DemandStore *store, const char *id, Geo **ret_geo, Error *err)
{
    Geo *geo = g_hash_table_lookup(store->geos, id);
    if (geo == NULL) {
        const TimeZone *utc;
        if (g_hash_table_size(store->geos) >= DEMAND_STORE_GEOS_MAX) {
            return error_set(err, ERROR_TOO_LARGE, "There are more than %d geos.", DEMAND_STORE_GEOS_MAX);
        }
        if (strlen(id) >= GEO_ID_MAX) {
            return error_set(err, ERROR_MALFORMED, "The geo \"%.80s\" has more than %d characters.", id,
                             GEO_ID_MAX - 1);
        }
        if (!timezone_get("UTC", &utc, err)) {
            return false;
        }
        geo = g_malloc0(sizeof *geo);
        geo->geo = copy_text(id);
        geo->zone = utc;
        geo->first_order = geo->first_hour = HOUR_NONE;
        store->unknown++;
        g_hash_table_insert(store->geos, geo->geo, geo);
    }
    *ret_geo = geo;
    return true;
}

bool demand_store_put_geo(DemandStore *store, const StoredGeo *from, Error *err)
{
    const TimeZone *zone;
    Geo *geo;
    if (!timezone_get(from->timezone, &zone, err)) {
        return error_prefix(err, "geo %s", from->geo);
    }
    pthread_mutex_lock(&store->mutex);
    bool ok = find_or_add(store, from->geo, &geo, err);
    if (ok) {
        store->unknown -= !geo->known;
        geo->known = true;
        geo->zone = zone;
        geo->is_parent = from->is_parent;
        geo->first_order = from->first_order;
        g_strlcpy(geo->country, from->country == NULL ? "" : from->country, sizeof geo->country);
        free(geo->parent);
        geo->parent = copy_text(from->parent);
    }
    pthread_mutex_unlock(&store->mutex);
    return ok;
}

/* Makes room so that `hour` lies within the geo's hours; new ones are zero. */
static bool cover_hour(DemandStore *store, Geo *geo, Hour hour, Error *err)
{
    Hour first = geo->hours == 0 || hour < geo->first_hour ? hour : geo->first_hour;
    Hour end =
        geo->hours == 0 || hour >= geo->first_hour + (Hour)geo->hours ? hour + 1 : geo->first_hour + (Hour)geo->hours;
    size_t hours = (size_t)((int64_t)end - first);
    size_t before = geo->hours == 0 ? 0 : (size_t)(geo->first_hour - first);
    if (hours > DEMAND_STORE_HOURS_MAX) {
        return error_set(err, ERROR_TOO_LARGE, "The history of geo %s is longer than %d hours.", geo->geo,
                         DEMAND_STORE_HOURS_MAX);
    }
    size_t capacity = hours <= geo->capacity ? geo->capacity : hours + hours / 4 + HOURS_PER_WEEK;
    size_t grown = (capacity - geo->capacity) * DEMAND_STORE_VERTICALS;
    if (store->values + grown > DEMAND_STORE_VALUES_MAX) {
        return error_set(err, ERROR_TOO_LARGE, "The history holds more than %d values.", DEMAND_STORE_VALUES_MAX);
    }
    store->values += grown;
    for (size_t v = 0; v < DEMAND_STORE_VERTICALS; v++) {
        if (geo->counts[v] == NULL) {
            continue;
        }
        if (capacity > geo->capacity) {
            geo->counts[v] = g_realloc_n(geo->counts[v], capacity, sizeof(float));
        }
        memmove(geo->counts[v] + before, geo->counts[v], geo->hours * sizeof(float));
        memset(geo->counts[v], 0, before * sizeof(float));
        memset(geo->counts[v] + before + geo->hours, 0, (capacity - before - geo->hours) * sizeof(float));
    }
    geo->first_hour = first;
    geo->hours = hours;
    geo->capacity = capacity;
    return true;
}

bool demand_store_put_demand(DemandStore *store, const char *id, Hour hour, const double counts[DEMAND_STORE_VERTICALS],
                             Error *err)
{
    pthread_mutex_lock(&store->mutex);
    Geo *geo;
    bool ok = find_or_add(store, id, &geo, err);
    bool covered = ok && geo->hours > 0 && hour >= geo->first_hour && hour < geo->first_hour + (Hour)geo->hours;
    /* An hour without orders says nothing that its absence would not. */
    if (ok && !covered && (counts[0] > 0 || counts[1] > 0 || counts[2] > 0)) {
        ok = covered = cover_hour(store, geo, hour, err);
    }
    for (size_t v = 0; covered && v < DEMAND_STORE_VERTICALS; v++) {
        double count = counts[v] > 0 ? counts[v] : 0;
        if (geo->counts[v] == NULL) {
            if (count == 0) {
                continue;
            }
            geo->counts[v] = g_malloc0_n(geo->capacity, sizeof(float));
            store->has_vertical[v] = true;
        }
        float *cell = &geo->counts[v][hour - geo->first_hour];
        if (v == 0 && hour <= store->watched_cutoff) {
            store->restated += fabs(count - (double)*cell);
        }
        *cell = (float)count;
    }
    if (ok && geo->known && geo->hours == 0 && geo->first_order == HOUR_NONE) {
        /* Only geos that had orders have rows: what is known of this one is older than its first order. */
        geo->known = false;
        store->unknown++;
    }
    pthread_mutex_unlock(&store->mutex);
    return ok;
}

void demand_store_set_cursor(DemandStore *store, int64_t cursor)
{
    pthread_mutex_lock(&store->mutex);
    store->cursor = cursor;
    pthread_mutex_unlock(&store->mutex);
}

int64_t demand_store_cursor(DemandStore *store)
{
    pthread_mutex_lock(&store->mutex);
    int64_t cursor = store->cursor;
    pthread_mutex_unlock(&store->mutex);
    return cursor;
}

bool demand_store_has_unknown_geos(DemandStore *store)
{
    pthread_mutex_lock(&store->mutex);
    bool unknown = store->unknown > 0;
    pthread_mutex_unlock(&store->mutex);
    return unknown;
}

size_t demand_store_geos_count(DemandStore *store)
{
    pthread_mutex_lock(&store->mutex);
    size_t count = g_hash_table_size(store->geos);
    pthread_mutex_unlock(&store->mutex);
    return count;
}

Hour demand_store_first_hour(DemandStore *store)
{
    Hour first = HOUR_NONE;
    GHashTableIter iter;
    void *value;
    pthread_mutex_lock(&store->mutex);
    g_hash_table_iter_init(&iter, store->geos);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Geo *geo = value;
        if (geo->hours > 0 && (first == HOUR_NONE || geo->first_hour < first)) {
            first = geo->first_hour;
        }
    }
    pthread_mutex_unlock(&store->mutex);
    return first;
}

/* The first hour of the geo's series, whose history begins at `first_hour`; HOUR_NONE when it has none. */
static Hour series_begin(const Geo *geo, Hour first_hour, Hour cutoff)
{
    Hour ended = cutoff - DEMAND_STORE_ENDED_HOURS + 1;
    if (first_hour != HOUR_NONE && first_hour <= cutoff) {
        return first_hour;
    }
    return geo->first_order != HOUR_NONE && geo->first_order < ended ? ended : HOUR_NONE;
}

static DemandSeries *add_series(DemandHistory *history, const Geo *geo, Hour first_hour, Hour cutoff, Arena *arena,
                                float **ret_demand)
{
    DemandSeries *series = &history->series[history->count++];
    Hour begin = series_begin(geo, first_hour, cutoff);
    size_t hours = begin == HOUR_NONE ? 0 : (size_t)(cutoff - begin + 1);
    float *demand = arena_array(arena, hours == 0 ? 1 : hours, sizeof(float));
    *series = (DemandSeries){
        .geo = arena_strdup(arena, geo->geo),
        .zone = geo->zone,
        .country = arena_strdup(arena, geo->country),
        .first_hour = begin == HOUR_NONE ? cutoff + 1 : begin,
        .hours = hours,
        .demand = demand,
    };
    *ret_demand = demand;
    return series;
}

static void add_leaf(DemandHistory *history, const Geo *geo, size_t vertical, Hour cutoff, Arena *arena)
{
    float *demand;
    DemandSeries *series = add_series(history, geo, geo->first_hour, cutoff, arena, &demand);
    size_t stored = series->hours < geo->hours ? series->hours : geo->hours;
    if (stored > 0 && series->first_hour == geo->first_hour && geo->counts[vertical] != NULL) {
        memcpy(demand, geo->counts[vertical], stored * sizeof(float));
    }
}

typedef struct Parent {
    const Geo *geo;
    Hour first_hour;
    float *demand;
} Parent;

static int compare_geos(const void *a, const void *b)
{
    return strcmp((*(const Geo *const *)a)->geo, (*(const Geo *const *)b)->geo);
}

static Parent *find_parent(Parent *parents, size_t count, const char *id)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(parents[middle].geo->geo, id);
        if (order == 0) {
            return &parents[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

/* The parents a leaf counts in: those above it, and `all` in any case. Returns how many. */
static size_t ancestors(Parent *parents, size_t count, const Geo *leaf, Parent *ret[ANCESTORS_MAX])
{
    size_t found = 0;
    const Geo *geo = leaf;
    bool has_all = false;
    while (geo->parent != NULL && found < ANCESTORS_MAX - 1) {
        Parent *parent = find_parent(parents, count, geo->parent);
        if (parent == NULL) {
            break;
        }
        has_all = has_all || strcmp(parent->geo->geo, "all") == 0;
        ret[found++] = parent;
        geo = parent->geo;
    }
    Parent *all = has_all ? NULL : find_parent(parents, count, "all");
    if (all != NULL) {
        ret[found++] = all;
    }
    return found;
}

static void add_parents(DemandHistory *history, Parent *parents, size_t count, Geo *const *geos, size_t geos_count,
                        Hour cutoff, Arena *arena)
{
    Parent *above[ANCESTORS_MAX];
    for (size_t i = 0; i < geos_count; i++) {
        const Geo *leaf = geos[i];
        if (leaf->is_parent || leaf->hours == 0) {
            continue;
        }
        size_t found = ancestors(parents, count, leaf, above);
        for (size_t j = 0; j < found; j++) {
            if (above[j]->first_hour == HOUR_NONE || leaf->first_hour < above[j]->first_hour) {
                above[j]->first_hour = leaf->first_hour;
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        add_series(history, parents[i].geo, parents[i].first_hour, cutoff, arena, &parents[i].demand);
    }
    for (size_t i = 0; i < geos_count; i++) {
        const Geo *leaf = geos[i];
        if (leaf->is_parent || leaf->hours == 0 || leaf->first_hour > cutoff || leaf->counts[0] == NULL) {
            continue;
        }
        size_t found = ancestors(parents, count, leaf, above);
        size_t hours = (size_t)(cutoff - leaf->first_hour + 1);
        hours = hours < leaf->hours ? hours : leaf->hours;
        for (size_t j = 0; j < found; j++) {
            float *sum = above[j]->demand + (leaf->first_hour - above[j]->first_hour);
            for (size_t h = 0; h < hours; h++) {
                sum[h] += leaf->counts[0][h];
            }
        }
    }
}

static double last_week(const DemandHistory *leaves)
{
    double sum = 0;
    for (size_t i = 0; i < leaves->count; i++) {
        const DemandSeries *series = &leaves->series[i];
        size_t hours = series->hours < HOURS_PER_WEEK ? series->hours : HOURS_PER_WEEK;
        for (size_t h = series->hours - hours; h < series->hours; h++) {
            sum += (double)series->demand[h];
        }
    }
    return sum;
}

void demand_store_snapshot(DemandStore *store, Hour cutoff, bool watch, Arena *arena, DemandSnapshot *ret_snapshot)
{
    static const struct {
        SeriesGroup group;
        size_t vertical;
    } leaf_groups[] = {{SERIES_TOTAL, 0}, {SERIES_RESTAURANT, 1}, {SERIES_GOODS, 2}};
    DemandSnapshot snapshot = {.cutoff = cutoff};

    pthread_mutex_lock(&store->mutex);
    size_t count = g_hash_table_size(store->geos), parents_count = 0, i = 0;
    Geo **geos = arena_array(arena, count + 1, sizeof *geos);
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, store->geos);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        geos[i++] = value;
        parents_count += geos[i - 1]->is_parent;
    }
    qsort(geos, count, sizeof(Geo *), compare_geos);

    for (size_t g = 0; g < sizeof leaf_groups / sizeof leaf_groups[0]; g++) {
        DemandHistory *history = &snapshot.groups[leaf_groups[g].group];
        if (leaf_groups[g].vertical > 0 && !store->has_vertical[leaf_groups[g].vertical]) {
            continue;
        }
        history->series = arena_array(arena, count + 1, sizeof(DemandSeries));
        for (i = 0; i < count; i++) {
            if (!geos[i]->is_parent) {
                add_leaf(history, geos[i], leaf_groups[g].vertical, cutoff, arena);
            }
        }
    }

    Parent *parents = arena_array(arena, parents_count + 1, sizeof *parents);
    size_t filled = 0;
    for (i = 0; i < count; i++) {
        if (geos[i]->is_parent) {
            parents[filled++] = (Parent){.geo = geos[i], .first_hour = HOUR_NONE};
        }
    }
    snapshot.groups[SERIES_PARENTS].series = arena_array(arena, parents_count + 1, sizeof(DemandSeries));
    add_parents(&snapshot.groups[SERIES_PARENTS], parents, parents_count, geos, count, cutoff, arena);

    snapshot.cursor = store->cursor;
    if (watch) {
        store->watched_cutoff = cutoff;
        store->watched_week = last_week(&snapshot.groups[SERIES_TOTAL]);
        store->restated = 0;
    }
    pthread_mutex_unlock(&store->mutex);
    *ret_snapshot = snapshot;
}

double demand_store_restated(DemandStore *store)
{
    pthread_mutex_lock(&store->mutex);
    double share = store->restated == 0 ? 0 : store->restated / fmax(store->watched_week, 1);
    pthread_mutex_unlock(&store->mutex);
    return share;
}
