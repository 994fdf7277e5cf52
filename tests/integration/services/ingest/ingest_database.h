/* A database of its own for each test, with ingest's schemas, a store and a directory of geos on it. */
#pragma once

#include "services/ingest/geo/geo_directory.h"
#include "services/ingest/orders/order_store.h"

typedef struct IngestDatabase {
    PgPool *pool;
    PgConnection *connection;
    ServiceArea area;
    GeoDirectory *directory;
    PrivacyFilter *privacy;
    OrderStore *store;
    OrderParser *parser;
} IngestDatabase;

extern IngestDatabase ingest_database;

enum { TEST_WINDOW_EVENTS = 1000 };

void ingest_database_begin(void);
void ingest_database_end(void);
/* A store as after a restart: with an empty window. */
void ingest_database_restart_store(void);
/* The one number that the query answers. */
int64_t ingest_database_number(const char *sql, ...) PRINTF_LIKE(1, 2);

/* Adds a message to the batch, which is read from `expected_offset` on, and places its order. */
void ingest_batch_add(OrderBatch *batch, int32_t partition, int64_t offset, int64_t expected_offset, const char *json);
/* Packs and commits; a failure fails the test. `end_offset` of partition 0 as known then, -1: not known. */
StoreResult ingest_batch_commit(OrderBatch *batch, int64_t end_offset);
/* `order_created` of the order at the time, in the middle of Rosario. In a static buffer. */
const char *ingest_order_json(const char *order_id, const char *event_id, const char *occurred_at);
