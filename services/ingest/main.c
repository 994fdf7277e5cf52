#include "services/ingest/backfill/backfill_file.h"
#include "services/ingest/backfill/backfill_handlers.h"
#include "services/ingest/dead_letters/dead_letter_handlers.h"
#include "services/ingest/catalog/catalog_handlers.h"
#include "services/ingest/demand/demand_handlers.h"
#include "services/ingest/demand/restatement_handlers.h"
#include "services/ingest/drift/drift_handlers.h"
#include "services/ingest/orders/event_handlers.h"
#include "services/ingest/orders/gap_handlers.h"
#include "services/ingest/ingest.h"
#include "services/ingest/jobs/job_handlers.h"
#include "services/ingest/quality/quality_handlers.h"
#include "services/ingest/privacy/privacy_handlers.h"
#include "services/ingest/source_handlers.h"
#include "services/ingest/workers.h"

#define CONFIG(member) offsetof(IngestConfig, member)

static const ConfigEntry config[] = {
    {"RUSHCAST_INGEST_PORT", CONFIG_INT, CONFIG(port), "8081", 1, 65535, "Port to listen on."},
    {"RUSHCAST_KAFKA_BROKERS", CONFIG_TEXT, CONFIG(kafka_brokers), "127.0.0.1:19092", 0, 0,
     "Kafka brokers, host:port with commas between."},
    {"RUSHCAST_KAFKA_TOPIC", CONFIG_TEXT, CONFIG(kafka_topic), "orders.raw", 0, 0, "Topic of raw order events."},
    {"RUSHCAST_KAFKA_GROUP", CONFIG_TEXT, CONFIG(kafka_group), "rushcast-ingest", 0, 0,
     "Consumer group: its members share the partitions; offsets are kept in Postgres."},
    {"RUSHCAST_KAFKA_PARTITIONS", CONFIG_INT, CONFIG(kafka_partitions), "8", 1, 256,
     "Partitions of the topic if it has to be made."},
    {"RUSHCAST_KAFKA_REPLICATION", CONFIG_INT, CONFIG(kafka_replication), "1", 1, 10,
     "Replicas of the topic if it has to be made."},
    {"RUSHCAST_KAFKA_QUEUE_KB", CONFIG_INT, CONFIG(kafka_queue_kbytes), "65536", 1024, 1048576,
     "Kilobytes of messages fetched ahead."},
    {"RUSHCAST_INGEST_BATCH_EVENTS", CONFIG_INT, CONFIG(batch_messages), "20000", 1, BATCH_MESSAGES_MAX,
     "Most messages in one transaction."},
    {"RUSHCAST_INGEST_BATCH_MS", CONFIG_INT, CONFIG(batch_wait_ms), "200", 1, 60000,
     "Milliseconds that the first message of a batch waits for more."},
    {"RUSHCAST_INGEST_WINDOW_EVENTS", CONFIG_INT, CONFIG(window_events), "1000000", 1000, 100000000,
     "Recent events remembered to recognize duplicates early; 64 bytes each at most."},
    {"RUSHCAST_H3_RESOLUTION", CONFIG_INT, CONFIG(h3_resolution), "7", 0, 15,
     "Resolution of the H3 cells that orders are counted in."},
    {"RUSHCAST_SERVICE_AREA", CONFIG_TEXT, CONFIG(service_area), "", 0, 0,
     "JSON file of the cities served; empty: geos appear with their first order."},
    {"RUSHCAST_TIMEZONE", CONFIG_TEXT, CONFIG(timezone), "", 0, 0,
     "Time zone of geos outside the service area; empty: that of the nearest place in tzdata."},
    {"RUSHCAST_ZONES", CONFIG_TEXT, CONFIG(zones), "", 0, 0,
     "GeoJSON file of polygon zones that orders are counted in; outside them, and without a file, H3 cells are."},
    {"RUSHCAST_QUALITY_ORDERS_LATE_S", CONFIG_INT, CONFIG(quality_orders_late_s), "7200", 1, 31536000,
     "Seconds that the watermark may be behind before the order stream counts as late."},
    {"RUSHCAST_QUALITY_SQL_LATE_S", CONFIG_INT, CONFIG(quality_sql_late_s), "900", 1, 31536000,
     "Seconds without anything from the company's SQL database before it counts as late."},
    {"RUSHCAST_QUALITY_DOCUMENTS_LATE_S", CONFIG_INT, CONFIG(quality_documents_late_s), "3600", 1, 31536000,
     "Seconds without anything from the company's document database before it counts as late."},
    {"RUSHCAST_RAW_RETENTION_DAYS", CONFIG_INT, CONFIG(raw_retention_days), "400", 0, 36500,
     "Days that original messages (raw.batch_payload) are kept; 0: for ever."},
    {"RUSHCAST_DUPLICATE_RETENTION_DAYS", CONFIG_INT, CONFIG(duplicate_retention_days), "90", 0, 36500,
     "Days that the record of duplicates (raw.duplicate_event) is kept; 0: for ever."},
    {"RUSHCAST_DEAD_LETTER_DAYS", CONFIG_INT, CONFIG(dead_letter_days), "90", 1, 3650,
     "Days that dead letters are kept, resolved or not."},
    {"RUSHCAST_QUARANTINE_RETENTION_DAYS", CONFIG_INT, CONFIG(quarantine_retention_days), "90", 0, 36500,
     "Days that rows set aside (raw.quarantine) are kept after they were resolved; 0: for ever."},
    {"RUSHCAST_JOB_RETENTION_DAYS", CONFIG_INT, CONFIG(job_retention_days), "90", 0, 36500,
     "Days that jobs (raw.job) are kept after they ended; 0: for ever."},
    {"RUSHCAST_SOURCE_SQL", CONFIG_SECRET, CONFIG(source_sql), "", 0, 0,
     "Connection string of the company's Postgres; empty: it is not read."},
    {"RUSHCAST_SOURCE_SQL_MODE", CONFIG_TEXT, CONFIG(source_sql_mode), "auto", 0, 0,
     "How its changes are found: stream (logical decoding), watermark (polls), auto (stream where it is allowed)."},
    {"RUSHCAST_SOURCE_SQL_SLOT", CONFIG_TEXT, CONFIG(source_sql_slot), "rushcast", 0, 0,
     "Name of the replication slot and of the publication there."},
    {"RUSHCAST_SQL_MAPPING", CONFIG_TEXT, CONFIG(sql_mapping), "", 0, 0,
     "JSON file that says which of its tables become which things; empty: the built-in one."},
    {"RUSHCAST_SOURCE_SQL_BATCH_MS", CONFIG_INT, CONFIG(source_sql_batch_ms), "200", 1, 60000,
     "Milliseconds that a change from it waits for more."},
    {"RUSHCAST_SOURCE_SQL_POLL_S", CONFIG_INT, CONFIG(source_sql_poll_s), "10", 1, 86400,
     "Seconds between two polls in watermark mode."},
    {"RUSHCAST_SOURCE_SQL_OVERLAP_S", CONFIG_INT, CONFIG(source_sql_overlap_s), "300", 0, 604800,
     "Seconds that a poll goes back before the newest row read, for late commits and clocks that differ."},
    {"RUSHCAST_SOURCE_SQL_SWEEP_S", CONFIG_INT, CONFIG(source_sql_sweep_s), "3600", 1, 604800,
     "Seconds between two comparisons of all keys in watermark mode, which find deletions."},
    {"RUSHCAST_SOURCE_SQL_SWEEP_MAX_SHARE", CONFIG_REAL, CONFIG(source_sql_sweep_max_share), "0.1", 0, 1,
     "Share of a table's rows that such a comparison may delete; beyond it stops and tells."},
    {"RUSHCAST_SOURCE_SQL_LAG_SHARE", CONFIG_REAL, CONFIG(source_sql_lag_share), "0.5", 0, 1,
     "Share of its max_slot_wal_keep_size from which on log kept for us is a problem."},
    {"RUSHCAST_SOURCE_SQL_LAG_MB", CONFIG_INT, CONFIG(source_sql_lag_mbytes), "2048", 1, 1048576,
     "Mebibytes of log kept for us on its disk from which on that is a problem."},
    {"RUSHCAST_SOURCE_MONGO", CONFIG_SECRET, CONFIG(source_mongo), "", 0, 0,
     "Address of the company's document database (mongodb://...), its password included; empty: it is not read."},
    {"RUSHCAST_SOURCE_MONGO_DATABASE", CONFIG_TEXT, CONFIG(source_mongo_database), "company", 0, 0, "Database in it."},
    {"RUSHCAST_DOCUMENT_MAPPING", CONFIG_TEXT, CONFIG(document_mapping), "", 0, 0,
     "JSON file that says which paths of its documents become which columns; empty: the one that ships with ingest."},
    {"RUSHCAST_DOCUMENT_POLL_MS", CONFIG_INT, CONFIG(document_poll_ms), "5000", 100, 3600000,
     "Milliseconds between two looks at what changed in it."},
    {"RUSHCAST_DOCUMENT_OVERLAP_S", CONFIG_INT, CONFIG(document_overlap_s), "60", 0, 86400,
     "Seconds before the newest change that are read again each time, for clocks that differ."},
    {"RUSHCAST_DOCUMENT_SWEEP_S", CONFIG_INT, CONFIG(document_sweep_s), "3600", 1, 604800,
     "Seconds between two comparisons of all keys, which find what was deleted."},
    {0},
};

static const Route routes[] = {
    {"POST", "/events", SCOPE_WRITE, ROUTE_BLOCKING, EVENTS_BODY_MAX_BYTES, handle_post_events},
    {"GET", "/demand", SCOPE_READ, ROUTE_BLOCKING, 0, handle_get_demand},
    {"GET", "/watermark", SCOPE_READ, ROUTE_BLOCKING, 0, handle_get_watermark},
    {"GET", "/geos", SCOPE_READ, ROUTE_BLOCKING, 0, handle_list_geos},
    {"GET", "/sources", SCOPE_READ, ROUTE_BLOCKING, 0, handle_list_sources},
    {"POST", "/sources/{name}/sync", SCOPE_OPERATE, ROUTE_BLOCKING, SYNC_BODY_MAX_BYTES, handle_sync_source},
    {"GET", "/dead-letters", SCOPE_OPERATE, ROUTE_BLOCKING, 0, handle_list_dead_letters},
    {"POST", "/dead-letters/replay", SCOPE_OPERATE, ROUTE_BLOCKING, REPLAY_BODY_MAX_BYTES, handle_replay_dead_letters},
    {"GET", "/demand/restatements", SCOPE_READ, ROUTE_BLOCKING, 0, handle_list_restatements},
    {"GET", "/schema-drift", SCOPE_READ, ROUTE_BLOCKING, 0, handle_list_schema_drift},
    {"GET", "/gaps", SCOPE_READ, ROUTE_BLOCKING, 0, handle_list_gaps},
    {"POST", "/backfills", SCOPE_OPERATE, ROUTE_BLOCKING, BACKFILL_BODY_MAX_BYTES, handle_post_backfill},
    {"GET", "/backfills", SCOPE_READ, ROUTE_BLOCKING, 0, handle_list_backfills},
    {"GET", "/backfills/{id}", SCOPE_READ, ROUTE_BLOCKING, 0, handle_get_backfill},
    {"GET", "/jobs", SCOPE_READ, ROUTE_BLOCKING, 0, handle_list_jobs},
    {"GET", "/jobs/{id}", SCOPE_READ, ROUTE_BLOCKING, 0, handle_get_job},
    {"GET", "/catalog", SCOPE_READ, ROUTE_BLOCKING, 0, handle_get_catalog},
    {"GET", "/quality", SCOPE_READ, ROUTE_BLOCKING, 0, handle_get_quality},
    {"POST", "/quality/checks", SCOPE_OPERATE, ROUTE_BLOCKING, QUALITY_CHECK_BODY_MAX_BYTES, handle_post_quality_check},
    {"GET", "/quarantine", SCOPE_OPERATE, ROUTE_BLOCKING, 0, handle_list_quarantine},
    {"DELETE", "/customers/{id}/personal-data", SCOPE_OPERATE, ROUTE_BLOCKING_PERSONAL, 0, handle_erase_customer},
    {0},
};

static const WorkerDefinition workers[] = {
    {"postgres", ingest_work_postgres, true},
    {"kafka", ingest_work_kafka, true},
    {"orders", ingest_work_orders, true},
    {"demand_hint", ingest_work_demand_hint, false},
    {"jobs", ingest_work_jobs, false},
    {"quality", ingest_work_quality, false},
    {"document_source", ingest_work_documents, false},
    {"document_changes", ingest_work_document_changes, false},
    {"sql_source", ingest_work_sql_source, false},
    {"sql_slot", ingest_work_sql_slot, false},
    {0},
};

int main(int argc, char **argv)
{
    static Ingest ingest;
    static const ServiceDefinition definition = {
        .name = "ingest",
        .summary = "Unites the company's sources into one history of orders and hourly demand.",
        .config = config,
        .config_target = &ingest.config,
        .port_offset = CONFIG(port),
        .port_variable = "RUSHCAST_INGEST_PORT",
        .routes = routes,
        .workers = workers,
        .state = &ingest,
        .start = ingest_start,
        .stop = ingest_stop,
    };
    return service_main(argc, argv, &definition);
}
