#include "services/feature-store/offline/table_writer.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "common/arrow_table.h"
#include "common/buffer.h"

enum { FLUSH_BYTES = 1 << 20, LIMIT_BYTES = 64 << 20 };

struct TableWriter {
    FILE *out;
    TableFormat format;
    TableColumn *columns;
    size_t count, next;
    int64_t rows;
    ArrowWriter *arrow; /* TABLE_ARROW */
    Buffer text;        /* the others */
    int failed_errno;
};

const char *const table_media_types[] = {[TABLE_CSV] = "text/csv",
                                         [TABLE_ARROW] = "application/vnd.apache.arrow.stream",
                                         [TABLE_JSON] = "application/json",
                                         NULL};

static bool begin_arrow(TableWriter *writer, Error *err)
{
    static const ArrowColumnType types[FEATURE_TYPES] = {
        [FEATURE_INT64] = ARROW_COLUMN_INT,       [FEATURE_FLOAT64] = ARROW_COLUMN_REAL,
        [FEATURE_BOOL] = ARROW_COLUMN_BOOL,       [FEATURE_TEXT] = ARROW_COLUMN_TEXT,
        [FEATURE_INSTANT] = ARROW_COLUMN_INSTANT,
    };
    ARENA_SCOPED Arena *arena = arena_new();
    ArrowColumn *columns = arena_array(arena, writer->count, sizeof(*columns));
    for (size_t i = 0; i < writer->count; i++)
        columns[i] = (ArrowColumn){
            .name = writer->columns[i].name,
            .type = writer->columns[i].is_hour ? ARROW_COLUMN_HOUR : types[writer->columns[i].type],
            .nullable = writer->columns[i].nullable,
        };
    return arrow_writer_new(writer->out, columns, writer->count, NULL, &writer->arrow, err);
}

static void begin_text(TableWriter *writer)
{
    buffer_append_text(&writer->text, writer->format == TABLE_JSON ? "{\"columns\":[" : "");
    for (size_t i = 0; i < writer->count; i++) {
        buffer_append_text(&writer->text, i > 0 ? "," : "");
        if (writer->format == TABLE_JSON)
            buffer_append_json_string(&writer->text, writer->columns[i].name);
        else
            buffer_append_csv(&writer->text, writer->columns[i].name);
    }
    buffer_append_text(&writer->text, writer->format == TABLE_JSON ? "],\"data\":[" : "\n");
}

static void writer_free(TableWriter *writer)
{
    buffer_fini(&writer->text);
    free(writer->columns);
    free(writer);
}

bool table_writer_new(FILE *out, TableFormat format, const TableColumn *columns, size_t count, TableWriter **ret_writer,
                      Error *err)
{
    TableWriter *writer = calloc(1, sizeof(*writer));
    TableColumn *copy = calloc(count, sizeof(*copy));
    if (writer == NULL || copy == NULL)
        abort();
    memcpy(copy, columns, count * sizeof(*copy));
    *writer = (TableWriter){.out = out, .format = format, .columns = copy, .count = count};
    buffer_init(&writer->text, LIMIT_BYTES);
    if (format == TABLE_ARROW && !begin_arrow(writer, err)) {
        writer_free(writer);
        return false;
    }
    if (format != TABLE_ARROW)
        begin_text(writer);
    *ret_writer = writer;
    return true;
}

static void put_arrow(TableWriter *writer, const TableColumn *column, const FeatureValue *value)
{
    if (value->null)
        arrow_null(writer->arrow);
    else if (column->type == FEATURE_FLOAT64)
        arrow_real(writer->arrow, value->real);
    else if (column->type == FEATURE_TEXT)
        arrow_text(writer->arrow, value->text);
    else if (column->type == FEATURE_BOOL)
        arrow_int(writer->arrow, value->boolean);
    else if (column->is_hour)
        arrow_int(writer->arrow, hour_of(value->instant));
    else
        arrow_int(writer->arrow, column->type == FEATURE_INSTANT ? value->instant : value->integer);
}

static void put_real(TableWriter *writer, double value)
{
    if (isfinite(value))
        buffer_printf(&writer->text, "%.17g", value);
    else if (writer->format == TABLE_CSV)
        buffer_append_text(&writer->text, isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
    else
        buffer_append_text(&writer->text, isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
}

static void put_instant(TableWriter *writer, Instant value)
{
    char text[INSTANT_TEXT_MAX];
    const char *quote = writer->format == TABLE_JSON ? "\"" : "";
    instant_format(value, text);
    buffer_printf(&writer->text, "%s%s%s", quote, text, quote);
}

static void put_text(TableWriter *writer, const TableColumn *column, const FeatureValue *value)
{
    Buffer *out = &writer->text;
    if (value->null) {
        buffer_append_text(out, writer->format == TABLE_JSON ? "null" : "");
        return;
    }
    switch (column->type) {
    case FEATURE_INT64:
        buffer_append_int(out, value->integer);
        break;
    case FEATURE_FLOAT64:
        put_real(writer, value->real);
        break;
    case FEATURE_BOOL:
        buffer_append_text(out, value->boolean ? "true" : "false");
        break;
    case FEATURE_TEXT:
        if (writer->format == TABLE_JSON)
            buffer_append_json_string(out, value->text);
        else
            buffer_append_csv(out, value->text);
        break;
    case FEATURE_INSTANT:
        put_instant(writer, value->instant);
        break;
    }
}

static void flush(TableWriter *writer)
{
    if (fwrite(writer->text.data, 1, writer->text.length_bytes, writer->out) != writer->text.length_bytes &&
        writer->failed_errno == 0)
        writer->failed_errno = errno == 0 ? EIO : errno;
    buffer_clear(&writer->text);
}

static void put_separator(TableWriter *writer)
{
    if (writer->next > 0)
        buffer_append_char(&writer->text, ',');
    else if (writer->format == TABLE_JSON)
        buffer_append_text(&writer->text, writer->rows > 0 ? ",\n[" : "[");
}

static void end_row(TableWriter *writer)
{
    writer->next = 0;
    writer->rows++;
    if (writer->format == TABLE_ARROW) {
        arrow_end_row(writer->arrow);
        return;
    }
    buffer_append_char(&writer->text, writer->format == TABLE_JSON ? ']' : '\n');
    if (writer->text.length_bytes >= FLUSH_BYTES)
        flush(writer);
}

void table_writer_put(TableWriter *writer, const FeatureValue *value)
{
    const TableColumn *column = &writer->columns[writer->next];
    if (writer->format == TABLE_ARROW) {
        put_arrow(writer, column, value);
    } else {
        put_separator(writer);
        put_text(writer, column, value);
    }
    writer->next++;
    if (writer->next == writer->count)
        end_row(writer);
}

bool table_writer_end(TableWriter *writer, Error *err)
{
    bool ok = true;
    if (writer->format == TABLE_ARROW) {
        ok = arrow_writer_end(writer->arrow, err);
    } else {
        buffer_append_text(&writer->text, writer->format == TABLE_JSON ? "]}\n" : "");
        ok = buffer_ok(&writer->text, err);
        flush(writer);
        if (ok && writer->failed_errno != 0)
            ok = error_set(err, ERROR_INTERNAL, "can't write the answer to the spool directory: %s",
                           strerror(writer->failed_errno));
    }
    writer_free(writer);
    return ok;
}
