/* The company's transactional database (Postgres): a snapshot of its tables, then every change by logical decoding; or,
 * where it allows no replication slot, polls by watermark columns. One ingest process of all reads it. */
#pragma once

#include "common/worker.h"
#include "services/ingest/entities/entity_store.h"
#include "services/ingest/sources/source_status.h"

typedef enum SqlSourceMode { SQL_SOURCE_AUTO, SQL_SOURCE_STREAM, SQL_SOURCE_WATERMARK } SqlSourceMode;

typedef struct SqlSourceOptions {
    const char *conninfo;
    const char *mode;             /* "auto", "stream", "watermark" */
    const char *slot;             /* also the publication's name */
    const EntityMapping *mapping; /* kept by reference */
    PgPool *pool;                 /* of the warehouse; kept by reference */
    EntityLocator *locate;        /* NULL: no thing of it has a place */
    void *locate_context;
    SourceStatus *status; /* kept by reference */
    int64_t batch_wait_ms;
    int64_t poll_s, overlap_s, sweep_s; /* of watermark mode */
    double sweep_max_share;
    double lag_warn_share; /* of max_slot_wal_keep_size */
    int64_t lag_warn_mbytes;
} SqlSourceOptions;

typedef struct SqlSource SqlSource;

/* INVALID_ARGUMENT for a mode or slot name that can't be one. Does not connect. Strings are kept by reference. */
bool sql_source_new(const SqlSourceOptions *options, SqlSource **ret_source, Error *err) MUST_CHECK;
void sql_source_free(SqlSource *source); /* accepts NULL */

/* For a worker: reads until the service stops or something fails; in watermark mode once. */
bool sql_source_step(SqlSource *source, WorkerStep *step, Error *err) MUST_CHECK;
/* For a worker of its own: looks at the replication slot, whoever reads it, whatever the other worker does. */
bool sql_source_watch(SqlSource *source, WorkerStep *step, Error *err) MUST_CHECK;
