/* Rows of the source's tables as changes of things. Pure. */
#pragma once

#include "services/ingest/drift/schema_drift.h"
#include "services/ingest/entities/entity.h"
#include "services/ingest/sql_source/pgoutput.h"

/* Which of a table's columns is which of an entity. */
typedef struct RowMap {
    const Entity *entity;
    size_t count;                  /* columns of the source */
    const PgoutputColumn *columns; /* in the arena of the map */
    int *places;                   /* by column of the entity: the source's; -1: the source has it no more */
    bool *is_mapped;               /* by column of the source */
    int updated_at;                /* column of the source; -1: none */
} RowMap;

/* `columns` are copied into the arena. */
RowMap *row_map_new(const Entity *entity, const PgoutputColumn *columns, size_t count, Arena *arena);
/* Whether the columns that tell an old row hold the entity's key, so that deletions can be told. */
bool row_map_identity_holds_key(const RowMap *map);

/* Whether a column of times tells when rows changed. */
bool row_map_has_watermark(const RowMap *map);

/* What became of a row. Texts are in the arena or the row's own. `at` is when it was committed, taken where the row
 * itself does not say when it changed. Columns that the mapping names and the source has no more are null. */
void row_map_put(const RowMap *map, const char *const *values, Instant at, Arena *arena, SchemaDrift *drift,
                 EntityChange *ret_change);
void row_map_delete(const RowMap *map, const char *const *values, Instant at, Arena *arena, EntityChange *ret_change);
/* Whether two rows have the same key; unchanged values count as the same. */
bool row_map_same_key(const RowMap *map, const char *const *values, const char *const *other);
/* Whether a value of the row was not sent. */
bool row_map_has_unchanged(const RowMap *map, const char *const *values);

/* The instant in the text form that Postgres gives with DateStyle ISO and time zone UTC; INSTANT_NONE for others. */
Instant source_instant(const char *text);
