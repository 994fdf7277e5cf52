#include "services/ingest/ingest.h"

#include "services/ingest/geo/zone_index.h"

enum {
    WORKERS_WITH_CONNECTION = 12,
    STATEMENT_TIMEOUT_MS = 120000,
};

static void note_demand_changed(void *context)
{
    Ingest *ingest = context;
    atomic_store(&ingest->demand_changed, true);
}

bool ingest_acquire(Ingest *ingest, PgConnection **ret_connection, Error *err)
{
    if (!atomic_load(&ingest->database_ready))
        return error_set(err, ERROR_UNAVAILABLE, "the database is not ready; GET /readyz says why");
    return pg_acquire(ingest->postgres, INGEST_DATABASE_WAIT_MS, ret_connection, err);
}

GeoDirectory *ingest_directory_new(const Ingest *ingest)
{
    return geo_directory_new(&(GeoDirectoryOptions){
        .resolution = (int)ingest->config.h3_resolution,
        .default_timezone = ingest->config.timezone,
        .area = &ingest->area,
        .pool = ingest->postgres,
    });
}

/* Only good zones get as far as the database. */
static bool load_zones(Ingest *ingest, Error *err)
{
    ZoneIndex *index;
    if (!zone_file_load(ingest->config.zones, ingest->arena, &ingest->zones, err) ||
        !zone_index_new(&ingest->zones, ingest->config.zones, &index, err))
        return false;
    zone_index_free(index);
    return true;
}

/* For the threads that read the company's databases: in the division that is the present one now. */
static bool locate_thing(void *context, double lat, double lon, int32_t *ret_geo_id, Error *err)
{
    Ingest *ingest = context;
    PG_SCOPED PgConnection *connection = NULL;
    if (!pg_acquire(ingest->postgres, INGEST_DATABASE_WAIT_MS, &connection, err))
        return false;
    pthread_mutex_lock(&ingest->things_mutex);
    bool ok = geo_directory_learn(ingest->things_directory, connection, err) &&
              geo_directory_locate(ingest->things_directory, lat, lon, ret_geo_id, err);
    pthread_mutex_unlock(&ingest->things_mutex);
    return ok;
}

static bool start_sql_source(Ingest *ingest, Error *err)
{
    const IngestConfig *config = &ingest->config;
    if (!entity_mapping_load(config->sql_mapping, entity_mapping_company_sql, "company-sql.json", ingest->arena,
                             &ingest->sql_mapping, err))
        return error_prefix(err, "RUSHCAST_SQL_MAPPING");
    if (config->source_sql[0] == '\0')
        return true;
    ingest->reconciled.sql = &ingest->sql_mapping;
    ingest->reconciled.sql_conninfo = config->source_sql;
    return sql_source_new(
        &(SqlSourceOptions){
            .conninfo = config->source_sql,
            .mode = config->source_sql_mode,
            .slot = config->source_sql_slot,
            .mapping = &ingest->sql_mapping,
            .pool = ingest->postgres,
            .status = &ingest->sql_status,
            .locate = locate_thing,
            .locate_context = ingest,
            .batch_wait_ms = config->source_sql_batch_ms,
            .poll_s = config->source_sql_poll_s,
            .overlap_s = config->source_sql_overlap_s,
            .sweep_s = config->source_sql_sweep_s,
            .sweep_max_share = config->source_sql_sweep_max_share,
            .lag_warn_share = config->source_sql_lag_share,
            .lag_warn_mbytes = config->source_sql_lag_mbytes,
        },
        &ingest->sql_source, err);
}

static bool reconcile_documents(Ingest *ingest, Error *err)
{
    const IngestConfig *config = &ingest->config;
    if (config->source_mongo[0] == '\0')
        return true;
    ingest->reconciled.documents = &ingest->document_mapping;
    ingest->reconciled.documents_uri = config->source_mongo;
    ingest->reconciled.documents_database = config->source_mongo_database;
    return entity_mapping_load(config->document_mapping, entity_mapping_company_documents, "company-documents.json",
                               ingest->arena, &ingest->document_mapping, err);
}

bool ingest_start(void *state, Error *err)
{
    Ingest *ingest = state;
    const IngestConfig *config = &ingest->config;
    pthread_mutex_init(&ingest->producer_mutex, NULL);
    pthread_mutex_init(&ingest->things_mutex, NULL);
    source_status_init(&ingest->sql_status, SOURCE_NOT_CONFIGURED);
    source_status_init(&ingest->document_status, SOURCE_NOT_CONFIGURED);
    ingest->arena = arena_new();
    if (!service_area_load(config->service_area, ingest->arena, &ingest->area, err) || !load_zones(ingest, err))
        return false;
    ingest->postgres = pg_pool_new(&(PgPoolOptions){
        .conninfo = config->common.postgres,
        .application_name = "rushcast-ingest",
        .size = (unsigned)config->common.blocking_threads + WORKERS_WITH_CONNECTION,
        .statement_timeout_ms = STATEMENT_TIMEOUT_MS,
    });
    ingest->directory = ingest_directory_new(ingest);
    ingest->things_directory = ingest_directory_new(ingest);
    ingest->privacy = privacy_filter_new();
    ingest->pipeline = order_pipeline_new();
    ingest->store = order_store_new(&(OrderStoreOptions){
        .pool = ingest->postgres,
        .topic = config->kafka_topic,
        .window_capacity = (size_t)config->window_events,
        .privacy = ingest->privacy,
    });
    ingest->reader = order_reader_new(&(OrderReaderOptions){
        .brokers = config->kafka_brokers,
        .topic = config->kafka_topic,
        .group = config->kafka_group,
        .topic_partitions = (int)config->kafka_partitions,
        .topic_replication = (int)config->kafka_replication,
        .batch_messages = config->batch_messages,
        .batch_wait_ms = config->batch_wait_ms,
        .queue_limit_kbytes = config->kafka_queue_kbytes,
        .pool = ingest->postgres,
        .directory = ingest->directory,
        .pipeline = ingest->pipeline,
        .privacy = ingest->privacy,
    });
    ingest->writer = order_writer_new(&(OrderWriterOptions){
        .pipeline = ingest->pipeline,
        .store = ingest->store,
        .demand_changed = note_demand_changed,
        .context = ingest,
    });
    ingest->documents = document_source_new(&(DocumentSourceOptions){
        .uri = config->source_mongo,
        .database = config->source_mongo_database,
        .mapping = config->document_mapping,
        .overlap_s = config->document_overlap_s,
        .sweep_every_s = config->document_sweep_s,
        .pool = ingest->postgres,
        .status = &ingest->document_status,
        .locate = locate_thing,
        .context = ingest,
    });
    return start_sql_source(ingest, err) && reconcile_documents(ingest, err);
}

void ingest_stop(void *state)
{
    Ingest *ingest = state;
    document_source_free(ingest->documents);
    kafka_producer_free(ingest->producer);
    sql_source_free(ingest->sql_source);
    order_writer_free(ingest->writer);
    order_reader_free(ingest->reader);
    order_store_free(ingest->store);
    order_pipeline_free(ingest->pipeline);
    privacy_filter_free(ingest->privacy);
    geo_directory_free(ingest->things_directory);
    geo_directory_free(ingest->directory);
    pg_pool_free(ingest->postgres);
    arena_free(ingest->arena);
    source_status_fini(&ingest->document_status);
    source_status_fini(&ingest->sql_status);
    pthread_mutex_destroy(&ingest->producer_mutex);
    pthread_mutex_destroy(&ingest->things_mutex);
}
