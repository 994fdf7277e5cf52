/* Rows of entities as clients send them: a table of named, typed columns from JSON, CSV or an Arrow IPC stream. Pure.
 */
#pragma once

#include <yyjson.h>
#include "services/feature-store/registry/feature_view.h"

enum {
    ENTITY_TABLE_ROWS_MAX = 1000000,
    ENTITY_TABLE_COLUMNS_MAX = 96,
    ENTITY_TABLE_VALUES_MAX = 16 << 20, /* 256 MiB */
};

typedef struct EntityColumn {
    const char *name;
    FeatureType type;
    FeatureValue *values; /* one per row */
} EntityColumn;

typedef struct EntityTable {
    size_t rows;
    EntityColumn *columns; /* in the order given, no name twice */
    size_t count;
} EntityTable;

/* All fail as UNPROCESSABLE, naming column and row, or MALFORMED; beyond the limits as TOO_LARGE. */

/* {"column": [value, ..], ..}. A column is int64, float64, bool or text, as its values are; null is null. Texts point
 * into the document. */
bool entity_table_from_json(yyjson_val *columns, Arena *arena, EntityTable *ret_table, Error *err) MUST_CHECK;
/* A line of names, then a line a row (RFC 4180). All columns are text; an empty field is null. */
bool entity_table_from_csv(const char *data, size_t length_bytes, Arena *arena, EntityTable *ret_table,
                           Error *err) MUST_CHECK;
/* `data` must outlive the table. Timestamps without a zone are UTC. */
bool entity_table_from_arrow(const char *data, size_t length_bytes, Arena *arena, EntityTable *ret_table,
                             Error *err) MUST_CHECK;

/* NULL when there is none of that name. */
EntityColumn *entity_table_find(const EntityTable *table, const char *name);
