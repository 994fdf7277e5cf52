/* What the company's database has and allows: tables of the mapping, publication, replication slot. */
#pragma once

#include "services/ingest/sql_source/source_connection.h"
#include "services/ingest/sql_source/source_row.h"

/* A table that the mapping names. */
typedef struct SourceTable {
    const Entity *entity;
    const char *schema, *name;
    const char *quoted;         /* "schema"."name" for SQL */
    const char *problem;        /* why it can't be read at all; NULL: it can */
    const char *stream_problem; /* why its changes can't be streamed; NULL: they can */
    RowMap *map;                /* of its columns as a SELECT gives them; NULL when it can't be read */
    const char *columns;        /* their list for SELECT */
    bool is_published;
} SourceTable;

typedef struct SourceCatalog {
    SourceTable *tables; /* one for each entity of the mapping */
    size_t count;
    const char *stream_problem; /* why nothing can be streamed; NULL: it can */
    const char *role, *database;
} SourceCatalog;

/* Reads it into the arena. */
bool source_catalog_read(SourceConnection *connection, const EntityMapping *mapping, Arena *arena,
                         SourceCatalog *ret_catalog, Error *err) MUST_CHECK;
/* Makes the publication of all tables whose changes can be streamed, or adds those that are missing; *ret_changed says
 * that it did. Tables that are not in it though they could be get a stream_problem with what the source's owner should
 * run. FORBIDDEN, saying that too, when there is none and it can't be made. */
bool source_catalog_publish(SourceConnection *connection, SourceCatalog *catalog, const char *publication, Arena *arena,
                            bool *ret_changed, Error *err) MUST_CHECK;
/* The table of the schema and name; NULL: the mapping does not know it. */
const SourceTable *source_catalog_find(const SourceCatalog *catalog, const char *schema, const char *name);
/* All that can't be read as it should be, in the arena; NULL: nothing. */
const char *source_catalog_problems(const SourceCatalog *catalog, bool streaming, Arena *arena);

typedef struct SourceSlot {
    bool exists, is_ours, is_active, is_lost;
    char wal_status[16];    /* "reserved", "extended", "unreserved", "lost"; empty: there is none */
    Lsn confirmed, log_end; /* 0: not known */
    int64_t retained_bytes; /* log kept for it; -1: not known */
    int64_t safe_bytes;     /* that may still be written before it is lost; -1: no limit */
    int64_t keep_bytes;     /* max_slot_wal_keep_size; -1: no limit */
} SourceSlot;

bool source_slot_read(SourceConnection *connection, const char *slot, SourceSlot *ret_slot, Error *err) MUST_CHECK;
