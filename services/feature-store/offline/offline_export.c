#include "services/feature-store/offline/offline_export.h"

#include <errno.h>
#include <string.h>
#include "common/arrow_table.h"
#include "common/buffer.h"
#include "common/calendar.h"
#include "gen/feature_store_sql.h"
#include "services/feature-store/offline/feature_sql.h"

enum { FIRST_FEATURE_COLUMN = 2, CSV_BUFFER_BYTES = 1 << 20, CSV_LIMIT_BYTES = 64 << 20 };

typedef struct Export {
    const ExportRequest *request;
    FILE *out;
    ArrowWriter *arrow; /* NULL: CSV */
    Buffer csv;
    const char **geos; /* by geo_id; NULL: none has that number */
    size_t geos_count;
} Export;

static const Feature *export_feature(const ExportRequest *request, size_t index)
{
    return &request->view->features[request->features[index]];
}

static bool load_geos(PgConnection *connection, Arena *arena, Export *export, Error *err)
{
    PG_RESULT_SCOPED PGresult *result = NULL;
    if (!pg_run(connection, &sql_select_feature_geos, PG_PARAMS(), &result, err))
        return false;
    int rows = PQntuples(result);
    export->geos_count = rows == 0 ? 0 : (size_t)pg_get_int(result, rows - 1, 0) + 1;
    export->geos = arena_array(arena, export->geos_count, sizeof(*export->geos));
    for (int row = 0; row < rows; row++)
        export->geos[pg_get_int(result, row, 0)] = arena_strdup(arena, pg_get_text(result, row, 1));
    return true;
}

static bool find_geo(PgConnection *connection, const char *geo, int64_t *ret_geo_id, Error *err)
{
    PG_RESULT_SCOPED PGresult *result = NULL;
    if (!pg_run(connection, &sql_select_feature_geo, PG_PARAMS(pg_text(geo)), &result, err))
        return false;
    if (PQntuples(result) == 0)
        return error_set_at(err, ERROR_NOT_FOUND, "geo",
                            "no demand is known of geo \"%.64s\"; GET /geos of ingest "
                            "lists the geos",
                            geo);
    *ret_geo_id = pg_get_int(result, 0, 0);
    return true;
}

static void write_arrow_rows(Export *export, const PGresult *rows)
{
    const ExportRequest *request = export->request;
    int count = PQntuples(rows);
    for (int row = 0; row < count; row++) {
        arrow_text(export->arrow, export->geos[pg_get_int(rows, row, 0)]);
        arrow_int(export->arrow, pg_get_hour(rows, row, 1));
        for (size_t i = 0; i < request->features_count; i++) {
            int column = FIRST_FEATURE_COLUMN + (int)i;
            if (pg_is_null(rows, row, column))
                arrow_null(export->arrow);
            else if (export_feature(request, i)->type == FEATURE_FLOAT64)
                arrow_real(export->arrow, pg_get_real(rows, row, column));
            else
                arrow_int(export->arrow, pg_get_int(rows, row, column));
        }
        arrow_end_row(export->arrow);
    }
}

static void write_csv_value(Buffer *csv, FeatureType type, const PGresult *rows, int row, int column)
{
    buffer_append_char(csv, ',');
    if (pg_is_null(rows, row, column))
        return;
    if (type == FEATURE_FLOAT64)
        buffer_printf(csv, "%.17g", pg_get_real(rows, row, column));
    else
        buffer_printf(csv, "%lld", (long long)pg_get_int(rows, row, column));
}

static bool flush_csv(Export *export, Error *err)
{
    if (!buffer_ok(&export->csv, err))
        return false;
    if (fwrite(export->csv.data, 1, export->csv.length_bytes, export->out) != export->csv.length_bytes)
        return error_set(err, ERROR_INTERNAL, "can't write the export to the spool directory: %s", strerror(errno));
    buffer_clear(&export->csv);
    return true;
}

static bool write_csv_rows(Export *export, const PGresult *rows, Error *err)
{
    const ExportRequest *request = export->request;
    int count = PQntuples(rows);
    for (int row = 0; row < count; row++) {
        char hour[INSTANT_TEXT_MAX];
        hour_format(pg_get_hour(rows, row, 1), hour);
        buffer_append_csv(&export->csv, export->geos[pg_get_int(rows, row, 0)]);
        buffer_append_char(&export->csv, ',');
        buffer_append_text(&export->csv, hour);
        for (size_t i = 0; i < request->features_count; i++)
            write_csv_value(&export->csv, export_feature(request, i)->type, rows, row, FIRST_FEATURE_COLUMN + (int)i);
        buffer_append_char(&export->csv, '\n');
        if (export->csv.length_bytes >= CSV_BUFFER_BYTES && !flush_csv(export, err))
            return false;
    }
    return flush_csv(export, err);
}

static bool visit_rows(void *context, const PGresult *rows, Error *err)
{
    Export *export = context;
    if (export->arrow == NULL)
        return write_csv_rows(export, rows, err);
    write_arrow_rows(export, rows);
    return true;
}

static bool begin_csv(Export *export, Error *err)
{
    buffer_init(&export->csv, CSV_LIMIT_BYTES);
    buffer_append_text(&export->csv, "geo,hour_utc");
    for (size_t i = 0; i < export->request->features_count; i++)
        buffer_printf(&export->csv, ",%s", export_feature(export->request, i)->name);
    buffer_append_char(&export->csv, '\n');
    return flush_csv(export, err);
}

static bool begin_arrow(Export *export, Arena *arena, Error *err)
{
    const ExportRequest *request = export->request;
    size_t count = FIRST_FEATURE_COLUMN + request->features_count;
    ArrowColumn *columns = arena_array(arena, count, sizeof(*columns));
    columns[0] = (ArrowColumn){.name = "geo", .type = ARROW_COLUMN_TEXT};
    columns[1] = (ArrowColumn){.name = "hour_utc", .type = ARROW_COLUMN_HOUR};
    for (size_t i = 0; i < request->features_count; i++)
        columns[FIRST_FEATURE_COLUMN + i] = (ArrowColumn){
            .name = export_feature(request, i)->name,
            .type = export_feature(request, i)->type == FEATURE_FLOAT64 ? ARROW_COLUMN_REAL : ARROW_COLUMN_INT,
            .nullable = true,
        };
    return arrow_writer_new(export->out, columns, count, NULL, &export->arrow, err);
}

/* Narrows [*from, *to) to the hours that may have features. */
static bool clip_to_span(PgConnection *connection, Hour *from, Hour *to, Error *err)
{
    PG_RESULT_SCOPED PGresult *result = NULL;
    if (!pg_run(connection, &sql_select_feature_span, PG_PARAMS(), &result, err))
        return false;
    Hour first = pg_get_hour(result, 0, 0), last = pg_get_hour(result, 0, 1);
    if (last == HOUR_NONE)
        *to = *from;
    if (first != HOUR_NONE && *from < first)
        *from = first;
    if (last != HOUR_NONE && *to > last + 1)
        *to = last + 1;
    return true;
}

static Hour next_month(Hour hour)
{
    int year, month, day;
    calendar_date(hour / HOURS_PER_DAY, &year, &month, &day);
    return calendar_day_number(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1) * HOURS_PER_DAY;
}

/* Month by month: within one partition the index has the order already, over several they would have to be merged,
 * which takes three times as long. */
static bool write_rows(PgConnection *connection, const ExportRequest *request, int64_t recorded_seq, Export *export,
                       Arena *arena, Error *err)
{
    int64_t geo_id = 0;
    Hour from = request->from, to = request->to;
    if (!clip_to_span(connection, &from, &to, err) ||
        (request->geo != NULL && !find_geo(connection, request->geo, &geo_id, err)))
        return false;
    if (request->recorded_since >= recorded_seq)
        return true;
    const char *sql =
        feature_sql_export(request->view, request->features, request->features_count, request->geo != NULL, arena);
    for (Hour begin = from; begin < to; begin = next_month(begin)) {
        Hour end = next_month(begin) < to ? next_month(begin) : to;
        PgParam params[] = {pg_hour(begin), pg_hour(end), pg_int(request->recorded_since), pg_int(geo_id)};
        if (!pg_each(connection, &(PgStatement){.name = "feature_export", .sql = sql},
                     (PgParams){params, request->geo != NULL ? 4 : 3}, visit_rows, export, err))
            return false;
    }
    return true;
}

bool offline_export_write(PgConnection *connection, const ExportRequest *request, ExportFormat format, FILE *out,
                          FeatureProgress *ret_progress, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    Export export = {.request = request, .out = out};
    FeatureProgress progress;
    if (!pg_begin(connection, err))
        return false;
    bool ok = pg_command(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL jit = off",
                         err) &&
              feature_progress_read(connection, request->view->name, false, &progress, err) &&
              load_geos(connection, arena, &export, err) &&
              (format == EXPORT_CSV ? begin_csv(&export, err) : begin_arrow(&export, arena, err)) &&
              write_rows(connection, request, progress.recorded_seq, &export, arena, err);
    pg_rollback(connection);
    buffer_fini(&export.csv);
    if (export.arrow != NULL) {
        Error end_err;
        bool ended = arrow_writer_end(export.arrow, &end_err);
        if (ok && !ended) {
            *err = end_err;
            ok = false;
        }
    }
    if (ok)
        *ret_progress = progress;
    return ok;
}
