#include "common/service.h"
#include "services/feature-store/feast/feast_handlers.h"
#include "services/feature-store/feast/feast_write.h"
#include "services/feature-store/feature_store.h"
#include "services/feature-store/geo_demand/geo_demand_follower.h"
#include "services/feature-store/materialize/materialize_handlers.h"
#include "services/feature-store/materialize/materialize_run.h"
#include "services/feature-store/offline/historical_handlers.h"
#include "services/feature-store/offline/historical_request.h"
#include "services/feature-store/on_demand/on_demand.h"
#include "services/feature-store/online/online_writer.h"
#include "services/feature-store/postgres_keeper.h"
#include "services/feature-store/batch_source/batch_source.h"
#include "services/feature-store/view_handlers.h"

enum { REDIS_TIMEOUT_MS = 1000, STATEMENT_TIMEOUT_MS = 120000 };

static const ConfigEntry config[] = {
    {"RUSHCAST_FEATURE_STORE_PORT", CONFIG_INT, offsetof(FeatureStoreConfig, port), "8082", 1, 65535,
     "Port to listen on."},
    {"RUSHCAST_REDIS", CONFIG_TEXT, offsetof(FeatureStoreConfig, redis), "127.0.0.1:16379", 0, 0,
     "Online store: host:port of Redis or the path of its socket; several of host:port, separated by commas, of a "
     "Redis Cluster."},
    {"RUSHCAST_REDIS_USER", CONFIG_TEXT, offsetof(FeatureStoreConfig, redis_user), "", 0, 0,
     "User of Redis' access control; empty: the default user."},
    {"RUSHCAST_REDIS_PASSWORD", CONFIG_SECRET, offsetof(FeatureStoreConfig, redis_password), "", 0, 0,
     "Password of Redis; empty: none."},
    {"RUSHCAST_REDIS_TLS", CONFIG_BOOL, offsetof(FeatureStoreConfig, redis_tls), "off", 0, 0,
     "Whether to speak TLS with Redis: on or off."},
    {"RUSHCAST_REDIS_CA_FILE", CONFIG_TEXT, offsetof(FeatureStoreConfig, redis_ca_file), "", 0, 0,
     "PEM file of the authorities that sign Redis' certificate; empty: those of the system."},
    {"RUSHCAST_REDIS_CERT_FILE", CONFIG_TEXT, offsetof(FeatureStoreConfig, redis_certificate_file), "", 0, 0,
     "PEM file of the certificate to show Redis; empty: none."},
    {"RUSHCAST_REDIS_KEY_FILE", CONFIG_TEXT, offsetof(FeatureStoreConfig, redis_key_file), "", 0, 0,
     "PEM file of that certificate's key."},
    {"RUSHCAST_REDIS_SERVER_NAME", CONFIG_TEXT, offsetof(FeatureStoreConfig, redis_server_name), "", 0, 0,
     "Name that Redis' certificate must be for; empty: the host or address connected to."},
    {"RUSHCAST_FEATURES_POLL_MS", CONFIG_INT, offsetof(FeatureStoreConfig, poll_ms), "1000", 10, 60000,
     "Milliseconds between two looks for new demand, unless a hint comes earlier."},
    {"RUSHCAST_FEATURES_PAGE_ROWS", CONFIG_INT, offsetof(FeatureStoreConfig, page_rows), "100000", 1, 100000,
     "Most demand changes asked of ingest at once."},
    {"RUSHCAST_FEATURES_MONITOR_S", CONFIG_INT, offsetof(FeatureStoreConfig, monitor_s), "60", 1, 86400,
     "Seconds between two looks at the health of the feature views: freshness, values, drift, parity."},
    {"RUSHCAST_FEATURE_VIEWS", CONFIG_TEXT, offsetof(FeatureStoreConfig, feature_views), "", 0, 0,
     "Folder with declarations of further feature views (*.json, and their queries *.sql); empty: only those built "
     "in."},
    {"RUSHCAST_FEATURE_SERVICES", CONFIG_TEXT, offsetof(FeatureStoreConfig, feature_services), "", 0, 0,
     "Folder with declarations of further feature services (*.json); empty: only those built in."},
    {0},
};

static const Route routes[] = {
    {"GET", "/feature-views", SCOPE_READ, ROUTE_FAST, 0, view_handle_list},
    {"GET", "/feature-views/{name}", SCOPE_READ, ROUTE_FAST, 0, view_handle_get},
    {"GET", "/feature-views/{name}/statistics", SCOPE_READ, ROUTE_BLOCKING, 0, view_handle_statistics},
    {"GET", "/feature-views/{name}/export", SCOPE_READ, ROUTE_BLOCKING, 0, view_handle_export},
    {"GET", "/feature-services", SCOPE_READ, ROUTE_FAST, 0, view_handle_services},
    {"POST", "/get-online-features", SCOPE_READ, ROUTE_FAST_OR_BLOCKING, FEAST_BODY_LIMIT_BYTES,
     feast_handle_online_features},
    {"POST", "/write-to-online-store", SCOPE_WRITE, ROUTE_BLOCKING, FEAST_WRITE_LIMIT_BYTES, feast_handle_write},
    {"POST", "/push", SCOPE_WRITE, ROUTE_BLOCKING, FEAST_WRITE_LIMIT_BYTES, feast_handle_push},
    {"POST", "/get-historical-features", SCOPE_READ, ROUTE_BLOCKING, HISTORICAL_BODY_LIMIT_BYTES,
     historical_handle_get},
    {"POST", "/materialize", SCOPE_WRITE, ROUTE_BLOCKING, MATERIALIZE_BODY_LIMIT_BYTES, materialize_handle_full},
    {"POST", "/materialize-incremental", SCOPE_WRITE, ROUTE_BLOCKING, MATERIALIZE_BODY_LIMIT_BYTES,
     materialize_handle_incremental},
    {"GET", "/materializations", SCOPE_READ, ROUTE_BLOCKING, 0, materialize_handle_list},
    {"GET", "/materializations/{id}", SCOPE_READ, ROUTE_BLOCKING, 0, materialize_handle_get},
    {"GET", "/health", SCOPE_PUBLIC, ROUTE_FAST, 0, feast_handle_health},
    {"POST", "/hints/demand", SCOPE_INTERNAL, ROUTE_FAST, 0, view_handle_hint},
    {0},
};

static const WorkerDefinition workers[] = {
    {"postgres", postgres_keeper_step, true},    {"demand_follower", geo_demand_follower_step, true},
    {"online_writer", online_writer_step, true}, {"batch_sources", batch_source_step, false},
    {"geo_places", geo_places_step, false},      {"monitor", feature_monitor_step, false},
    {"materializer", materialize_step, false},   {0},
};

static bool load_declarations(FeatureStore *store, Error *err)
{
    const FeatureStoreConfig *settings = &store->config;
    FeatureViews *views = &store->views;
    FeatureServices *services = &store->services;
    if (!feature_views_load(feature_view_declarations, feature_view_declarations_count, views, err) ||
        (settings->feature_views[0] != '\0' && !feature_views_load_folder(settings->feature_views, views, err)))
        return false;
    for (size_t i = 0; i < views->count; i++) {
        if (views->items[i].source.kind == FEATURE_SOURCE_ON_DEMAND && !on_demand_check(&views->items[i], err))
            return false;
    }
    return feature_services_load(feature_service_declarations, feature_service_declarations_count, views, services,
                                 err) &&
           (settings->feature_services[0] == '\0' ||
            feature_services_load_folder(settings->feature_services, views, services, err));
}

static bool start(void *state, Error *err)
{
    FeatureStore *store = state;
    const FeatureStoreConfig *settings = &store->config;
    unsigned connections = (unsigned)settings->common.blocking_threads;
    store->postgres = pg_pool_new(&(PgPoolOptions){
        .conninfo = settings->common.postgres,
        .application_name = "rushcast-feature-store",
        .size = connections + sizeof(workers) / sizeof(workers[0]) - 1,
        .statement_timeout_ms = STATEMENT_TIMEOUT_MS,
    });
    store->places = geo_places_new();
    RedisOptions redis = {
        .address = settings->redis,
        .user = settings->redis_user,
        .password = settings->redis_password,
        .tls = settings->redis_tls,
        .ca_file = settings->redis_ca_file,
        .certificate_file = settings->redis_certificate_file,
        .key_file = settings->redis_key_file,
        .server_name = settings->redis_server_name,
        .connections = connections + 2, /* and the workers that write online */
        .timeout_ms = REDIS_TIMEOUT_MS,
    };
    return redis_client_new(&redis, &store->redis, err) &&
           online_reader_init(&store->reader, store->redis, &redis, err) && load_declarations(store, err);
}

static void stop(void *state)
{
    FeatureStore *store = state;
    online_reader_fini(&store->reader);
    redis_client_free(store->redis);
    geo_places_free(store->places);
    pg_pool_free(store->postgres);
    feature_services_fini(&store->services);
    feature_views_fini(&store->views);
}

int main(int argc, char **argv)
{
    static FeatureStore store;
    static const ServiceDefinition definition = {
        .name = "feature-store",
        .summary = "Computes the features of hourly demand and serves them online and offline.",
        .config = config,
        .config_target = &store.config,
        .port_offset = offsetof(FeatureStoreConfig, port),
        .port_variable = "RUSHCAST_FEATURE_STORE_PORT",
        .routes = routes,
        .workers = workers,
        .state = &store,
        .start = start,
        .stop = stop,
    };
    return service_main(argc, argv, &definition);
}
