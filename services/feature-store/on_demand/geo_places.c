#include "services/feature-store/on_demand/geo_places.h"

#include <glib.h>
#include <pthread.h>
#include <stdlib.h>
#include "common/geo_listing.h"
#include "services/feature-store/feature_store.h"

enum { REFRESH_MS = 60000 };

struct GeoPlaces {
    pthread_rwlock_t lock;
    GHashTable *by_geo; /* id -> GeoPlace */
};

GeoPlaces *geo_places_new(void)
{
    GeoPlaces *places = g_new0(GeoPlaces, 1);
    pthread_rwlock_init(&places->lock, NULL);
    places->by_geo = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return places;
}

void geo_places_free(GeoPlaces *places)
{
    if (places == NULL)
        return;
    g_hash_table_destroy(places->by_geo);
    pthread_rwlock_destroy(&places->lock);
    g_free(places);
}

bool geo_places_put(GeoPlaces *places, const char *geo, const char *timezone, const char *country, Error *err)
{
    GeoPlace place = {.country = country == NULL || country[0] == '\0' ? NULL : g_intern_string(country)};
    if (!timezone_get(timezone, &place.zone, err))
        return error_prefix(err, "geo %.64s", geo);
    pthread_rwlock_wrlock(&places->lock);
    GeoPlace *known = g_hash_table_lookup(places->by_geo, geo);
    if (known != NULL)
        *known = place;
    else
        g_hash_table_insert(places->by_geo, g_strdup(geo), g_memdup2(&place, sizeof(place)));
    pthread_rwlock_unlock(&places->lock);
    return true;
}

bool geo_places_find(GeoPlaces *places, const char *geo, GeoPlace *ret_place)
{
    pthread_rwlock_rdlock(&places->lock);
    const GeoPlace *known = g_hash_table_lookup(places->by_geo, geo);
    if (known != NULL)
        *ret_place = *known;
    pthread_rwlock_unlock(&places->lock);
    return known != NULL;
}

static bool put(void *context, const ListedGeo *geo, Error *err)
{
    return geo_places_put(context, geo->geo, geo->timezone, geo->country, err);
}

bool geo_places_step(void *service, WorkerStep *step, Error *err)
{
    FeatureStore *store = service;
    step->rest_ms = REFRESH_MS;
    return geo_listing_read(store->config.common.ingest_url, store->config.common.token, put, store->places, err);
}
