/* What the ways of reading the company's database share: its connection, its tables, and the changes that were read and
 * not written into the warehouse yet. */
#pragma once

#include "services/ingest/entities/entity_store.h"
#include "services/ingest/sources/source_status.h"
#include "services/ingest/sql_source/source_catalog.h"

enum { SQL_BATCH_CHANGES_MAX = 10000, SQL_BATCH_LIMIT_BYTES = 32 << 20, SQL_POSITION_MAX_BYTES = 512 };

typedef struct SqlReader {
    const EntityMapping *mapping;
    SourceStatus *status;
    PgConnection *warehouse; /* holds the source's lock */
    EntityLocator *locate;
    void *locate_context;
    SchemaDrift *drift;
    double sweep_max_share; /* of a table's rows that a key sweep may delete */

    SourceConnection source;
    SourceCatalog catalog;
    Arena *arena; /* of the session */

    Arena *batch_arena;
    EntityChange *changes;
    size_t count;
} SqlReader;

/* Makes arenas and drift; the rest is the caller's to fill. */
void sql_reader_init(SqlReader *reader, const EntityMapping *mapping, SourceStatus *status);
void sql_reader_fini(SqlReader *reader); /* accepts a zeroed one */

/* Room for one more change; sql_reader_write() before it is full. Texts go into batch_arena. */
EntityChange *sql_reader_add(SqlReader *reader);
/* Whether the changes are to be written before more are read. */
bool sql_reader_is_full(const SqlReader *reader);
/* Reads how far the stream was recorded; empty: nothing was. */
bool sql_reader_position(SqlReader *reader, const char *stream, char ret_position[SQL_POSITION_MAX_BYTES],
                         Error *err) MUST_CHECK;
/* Writes the changes and moves the stream from `position` to `next`, which becomes `position`. Forgets the changes. */
bool sql_reader_write(SqlReader *reader, const char *stream, char position[SQL_POSITION_MAX_BYTES], const char *next,
                      Error *err) MUST_CHECK;
/* Whether reading should end: the service stops, or a new snapshot is wanted. */
bool sql_reader_should_end(const SqlReader *reader);
