/* Writes rows of feature values as JSON, CSV or an Arrow IPC stream: the bulk answers of the feature store. */
#pragma once

#include <stdio.h>
#include "services/feature-store/registry/feature_view.h"

typedef enum TableFormat { TABLE_CSV, TABLE_ARROW, TABLE_JSON } TableFormat;
/* Media types by format, ended by NULL: for request_accepts(). */
extern const char *const table_media_types[];

typedef struct TableColumn {
    const char *name;
    FeatureType type;
    bool nullable;
    bool is_hour; /* a FEATURE_INSTANT of whole hours: timestamp[s] in Arrow */
} TableColumn;

/* JSON: {"columns": [names], "data": [[values of a row], ...]} (pandas' "split"); NaN and infinities are the strings
 * "NaN", "Infinity", "-Infinity". CSV: a header line; nulls are empty, bools true and false. Times are RFC 3339, UTC.
 * `out` stays the caller's. */
typedef struct TableWriter TableWriter;
bool table_writer_new(FILE *out, TableFormat format, const TableColumn *columns, size_t count, TableWriter **ret_writer,
                      Error *err) MUST_CHECK;
/* One value a column, in order; a row begins with its first. Errors are remembered and told by table_writer_end(). */
void table_writer_put(TableWriter *writer, const FeatureValue *value);
/* Writes the rest and frees the writer. */
bool table_writer_end(TableWriter *writer, Error *err) MUST_CHECK;
