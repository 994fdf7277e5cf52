/* Arrow IPC streams (nanoarrow) of flat tables: what bulk endpoints write and PUT bodies bring. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "common/arena.h"
#include "common/hour.h"

typedef enum ArrowColumnType {
    ARROW_COLUMN_TEXT,      /* utf8 */
    ARROW_COLUMN_INT,       /* int64 */
    ARROW_COLUMN_REAL,      /* float64 */
    ARROW_COLUMN_HOUR,      /* timestamp[s, UTC] */
    ARROW_COLUMN_INSTANT,   /* timestamp[us, UTC] */
    ARROW_COLUMN_REAL_LIST, /* list<float64> */
    ARROW_COLUMN_BOOL,      /* bool */
} ArrowColumnType;

typedef struct ArrowColumn {
    const char *name;
    ArrowColumnType type;
    bool nullable;
} ArrowColumn;

typedef struct ArrowMetadata {
    const char *key; /* NULL ends the list */
    const char *value;
} ArrowMetadata;

/* Writing: rows are gathered into record batches of up to 65,536 rows or 8 MiB and written to `out`, which stays the
 * caller's. `metadata` may be NULL. */
typedef struct ArrowWriter ArrowWriter;
bool arrow_writer_new(FILE *out, const ArrowColumn *columns, size_t count, const ArrowMetadata *metadata,
                      ArrowWriter **ret_writer, Error *err) MUST_CHECK;
/* One value a column, in order, then arrow_end_row(). Errors are remembered and reported by arrow_writer_end(). A null
 * in a column that is not nullable, or a value of another type, is a bug (assert). */
void arrow_null(ArrowWriter *writer);
void arrow_text(ArrowWriter *writer, const char *text); /* NULL: null */
void arrow_int(ArrowWriter *writer, int64_t value);     /* INT, HOUR in Hour units, INSTANT, BOOL as 0 or 1 */
void arrow_real(ArrowWriter *writer, double value);
void arrow_reals(ArrowWriter *writer, const double *values, size_t count);
void arrow_end_row(ArrowWriter *writer);
/* Writes the rest and the end of the stream, frees the writer. */
bool arrow_writer_end(ArrowWriter *writer, Error *err) MUST_CHECK;

/* Reading: the whole stream at once, columns found by name. Strings and lists point into `data` or the arena. */
typedef struct ArrowTable {
    size_t rows;
    const char *(*metadata)(const struct ArrowTable *table, const char *key); /* NULL when absent */
    void *internal;
} ArrowTable;

/* UNPROCESSABLE names a missing column, a wrong type, or the row of a null or an hour that is none; MALFORMED a stream
 * that is broken or cut off (its end mark is needed). Integers of any width, float32, large_utf8, large_list and other
 * timestamp units are converted, zoneless timestamps taken as UTC; dictionaries and compression are UNPROCESSABLE.
 * Columns not asked for are passed over. Lives in the arena; `data` must outlive it. */
bool arrow_table_read(const void *data, size_t length_bytes, const ArrowColumn *columns, size_t count, Arena *arena,
                      ArrowTable **ret_table, Error *err) MUST_CHECK;
bool arrow_is_null(const ArrowTable *table, size_t row, size_t column);
/* NUL-terminated; NULL when null. */
const char *arrow_get_text(const ArrowTable *table, size_t row, size_t column);
/* HOUR in Hour units, BOOL as 0 or 1; 0 when null. */
int64_t arrow_get_int(const ArrowTable *table, size_t row, size_t column);
/* NAN when null. */
double arrow_get_real(const ArrowTable *table, size_t row, size_t column);
/* NULL and 0 when null; a null item is NAN. */
const double *arrow_get_reals(const ArrowTable *table, size_t row, size_t column, size_t *ret_count);
/* The columns that a stream has, in its order, all nullable, each of the type it is best read as. UNPROCESSABLE names a
 * column of a type that is not read here; else errors as above. */
bool arrow_table_columns(const void *data, size_t length_bytes, Arena *arena, ArrowColumn **ret_columns,
                         size_t *ret_count, Error *err) MUST_CHECK;
