/* State of the service, shared by its handlers and workers. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include "common/kafka_producer.h"
#include "common/service.h"
#include "services/ingest/document_source/document_source.h"
#include "services/ingest/geo/zone_file.h"
#include "services/ingest/orders/order_reader.h"
#include "services/ingest/orders/order_writer.h"
#include "services/ingest/quality/quality_check.h"
#include "services/ingest/quality/reconcile.h"
#include "services/ingest/sources/source_status.h"
#include "services/ingest/sql_source/sql_source.h"

typedef struct IngestConfig {
    CommonConfig common;
    int64_t port;
    const char *kafka_brokers, *kafka_topic, *kafka_group;
    int64_t kafka_partitions, kafka_replication;
    int64_t kafka_queue_kbytes;
    int64_t batch_messages, batch_wait_ms;
    int64_t window_events;
    int64_t h3_resolution;
    const char *service_area;
    const char *timezone;
    const char *zones;
    int64_t quality_orders_late_s, quality_sql_late_s, quality_documents_late_s;
    int64_t dead_letter_days;
    int64_t raw_retention_days, duplicate_retention_days, quarantine_retention_days, job_retention_days;
    const char *source_sql, *source_sql_mode, *source_sql_slot, *sql_mapping;
    int64_t source_sql_batch_ms, source_sql_poll_s, source_sql_overlap_s, source_sql_sweep_s;
    double source_sql_sweep_max_share, source_sql_lag_share;
    int64_t source_sql_lag_mbytes;
    const char *source_mongo, *source_mongo_database, *document_mapping;
    int64_t document_poll_ms, document_overlap_s, document_sweep_s;
} IngestConfig;

typedef struct Ingest {
    IngestConfig config;
    Arena *arena; /* of the service area */
    ServiceArea area;
    ZoneFile zones; /* of the configuration; the present ones are in the database */
    PgPool *postgres;
    GeoDirectory *directory;
    PrivacyFilter *privacy;
    OrderPipeline *pipeline;
    OrderStore *store;
    OrderReader *reader;
    OrderWriter *writer;
    atomic_bool database_ready; /* migrated, and what must be in memory is */
    atomic_bool demand_changed; /* since the last hint */
    ReconciledSources reconciled;
    QualityRounds quality_rounds; /* of the worker alone */
    int64_t retention_at_ms;      /* clock_monotonic_ms() of the next look; of the worker alone */

    EntityMapping sql_mapping;
    SqlSource *sql_source;                    /* NULL: not configured */
    SourceStatus sql_status, document_status; /* of the company's databases */
    EntityMapping document_mapping;
    pthread_mutex_t things_mutex;
    GeoDirectory *things_directory; /* finds the places of their things; under the mutex */
    DocumentSource *documents;

    pthread_mutex_t producer_mutex; /* one request's events are produced and acknowledged at a time */
    KafkaProducer *producer;        /* made when first needed */
} Ingest;

enum { INGEST_DATABASE_WAIT_MS = 5000 }; /* for a free connection */

/* A connection for a handler. UNAVAILABLE while the database is being prepared. */
bool ingest_acquire(Ingest *ingest, PgConnection **ret_connection, Error *err) MUST_CHECK;

/* One more directory, for another thread than the stream's reader; empty until geo_directory_reload(). */
GeoDirectory *ingest_directory_new(const Ingest *ingest);

bool ingest_start(void *state, Error *err);
void ingest_stop(void *state);
