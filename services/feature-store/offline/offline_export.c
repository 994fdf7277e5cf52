#include "services/feature-store/offline/offline_export.h"

#include "common/calendar.h"
#include "gen/feature_store_sql.h"
#include "services/feature-store/offline/feature_columns.h"
#include "services/feature-store/offline/feature_sql.h"
#include "services/feature-store/registry/feature_entity.h"

enum { FIRST_FEATURE_COLUMN = 2 };

typedef struct Export {
    const ExportRequest *request;
    bool hourly;
    TableWriter *writer;
    FeatureValue *keys; /* those of entity_id begin at (entity_id - first_entity) * keys_count */
    int64_t first_entity;
} Export;

static const Feature *export_feature(const ExportRequest *request, size_t index)
{
    return &request->view->features[request->features[index]];
}

bool offline_export_is_hourly(const FeatureView *view)
{
    return view->source.kind == FEATURE_SOURCE_DEMAND;
}

static bool load_entities(PgConnection *connection, Arena *arena, Export *export, Error *err)
{
    const FeatureView *view = export->request->view;
    PG_RESULT_SCOPED PGresult *result = NULL;
    if (!pg_run(connection, &sql_select_entities_of_kind, PG_PARAMS(pg_text(view->entity_kind)), &result, err))
        return false;
    int rows = PQntuples(result);
    if (rows == 0)
        return true;
    export->first_entity = pg_get_int(result, 0, 0);
    size_t count = (size_t)(pg_get_int(result, rows - 1, 0) - export->first_entity) + 1;
    export->keys = arena_array(arena, count * view->keys_count, sizeof(*export->keys));
    for (int row = 0; row < rows; row++) {
        size_t index = (size_t)(pg_get_int(result, row, 0) - export->first_entity);
        /* one that can't be taken apart has no rows here, but in a view whose key of that name is of another type */
        (void)!feature_entity_split(view, pg_get_text(result, row, 1), arena, &export->keys[index * view->keys_count],
                                    NULL);
    }
    return true;
}

static bool find_entity(PgConnection *connection, const FeatureView *view, const char *entity, int64_t *ret_entity_id,
                        Error *err)
{
    PG_RESULT_SCOPED PGresult *result = NULL;
    if (!pg_run(connection, &sql_select_entity, PG_PARAMS(pg_text(view->entity_kind), pg_text(entity)), &result, err))
        return false;
    if (PQntuples(result) == 0 && offline_export_is_hourly(view))
        return error_set_at(err, ERROR_NOT_FOUND, "geo",
                            "no demand is known of geo \"%.64s\"; GET /geos of ingest "
                            "lists the geos",
                            entity);
    if (PQntuples(result) == 0)
        return error_set_at(err, ERROR_NOT_FOUND, view->keys[0].join_key, "no row was ever recorded of that %s",
                            view->keys[0].entity);
    *ret_entity_id = pg_get_int(result, 0, 0);
    return true;
}

static const FeatureValue *row_keys(const Export *export, const PGresult *rows, int row)
{
    return &export->keys[(size_t)(pg_get_int(rows, row, 0) - export->first_entity) * export->request->view->keys_count];
}

static bool visit_rows(void *context, const PGresult *rows, Error *err)
{
    (void)err;
    Export *export = context;
    const ExportRequest *request = export->request;
    const FeatureView *view = request->view;
    for (int row = 0; row < PQntuples(rows); row++) {
        const FeatureValue *keys = row_keys(export, rows, row);
        for (size_t i = 0; i < view->keys_count; i++)
            table_writer_put(export->writer, &keys[i]);
        Instant event_timestamp = pg_get_instant(rows, row, 1);
        table_writer_put(export->writer,
                         &(FeatureValue){.instant = event_timestamp - (export->hourly ? INSTANT_PER_HOUR : 0)});
        for (size_t i = 0; i < request->features_count; i++) {
            FeatureValue value =
                feature_value_get(export_feature(request, i)->type, rows, row, FIRST_FEATURE_COLUMN + (int)i);
            table_writer_put(export->writer, &value);
        }
    }
    return true;
}

static bool begin_table(Export *export, TableFormat format, FILE *out, Arena *arena, Error *err)
{
    const ExportRequest *request = export->request;
    const FeatureView *view = request->view;
    size_t count = 0;
    TableColumn *columns = arena_array(arena, view->keys_count + 1 + request->features_count, sizeof(*columns));
    for (size_t i = 0; i < view->keys_count; i++)
        columns[count++] = (TableColumn){.name = view->keys[i].join_key, .type = view->keys[i].type};
    columns[count++] = (TableColumn){
        .name = export->hourly ? "hour_utc" : "event_timestamp",
        .type = FEATURE_INSTANT,
        .is_hour = export->hourly,
    };
    for (size_t i = 0; i < request->features_count; i++) {
        const Feature *feature = export_feature(request, i);
        columns[count++] = (TableColumn){.name = feature->name, .type = feature->type, .nullable = true};
    }
    return table_writer_new(out, format, columns, count, &export->writer, err);
}

static Instant next_month(Instant instant)
{
    int year, month, day;
    calendar_date(hour_of(instant) / HOURS_PER_DAY, &year, &month, &day);
    return hour_start(calendar_day_number(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1) *
                      HOURS_PER_DAY);
}

/* Month by month, those the table has: within one partition the index has the order already, over several they would
 * have to be merged, which takes three times as long. */
static bool write_rows(PgConnection *connection, const ExportRequest *request, int64_t recorded_seq, Export *export,
                       Arena *arena, Error *err)
{
    PG_RESULT_SCOPED PGresult *months = NULL;
    int64_t entity_id = 0;
    if (request->entity != NULL && !find_entity(connection, request->view, request->entity, &entity_id, err))
        return false;
    if (request->recorded_since >= recorded_seq)
        return true;
    const char *sql =
        feature_sql_export(request->view, request->features, request->features_count, request->entity != NULL, arena);
    if (!pg_run(connection, &sql_select_view_months,
                PG_PARAMS(pg_text(request->view->table), pg_instant(request->from), pg_instant(request->to)), &months,
                err))
        return false;
    for (int row = 0; row < PQntuples(months); row++) {
        Instant begin = pg_get_instant(months, row, 0), end = next_month(begin);
        PgParam params[] = {
            pg_instant(begin < request->from ? request->from : begin),
            pg_instant(end < request->to ? end : request->to),
            pg_int(request->recorded_since),
            pg_int(entity_id),
        };
        if (!pg_each(connection, &(PgStatement){.name = "feature_export", .sql = sql},
                     (PgParams){params, request->entity != NULL ? 4 : 3}, visit_rows, export, err))
            return false;
    }
    return true;
}

bool offline_export_write(PgConnection *connection, const ExportRequest *request, TableFormat format, FILE *out,
                          FeatureProgress *ret_progress, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    Export export = {.request = request, .hourly = offline_export_is_hourly(request->view)};
    FeatureProgress progress;
    if (!pg_begin(connection, err))
        return false;
    bool ok = pg_command(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL jit = off",
                         err) &&
              feature_progress_read(connection, request->view->table, false, &progress, err) &&
              load_entities(connection, arena, &export, err) && begin_table(&export, format, out, arena, err) &&
              write_rows(connection, request, progress.recorded_seq, &export, arena, err);
    pg_rollback(connection);
    if (export.writer != NULL) {
        Error end_err;
        bool ended = table_writer_end(export.writer, &end_err);
        if (ok && !ended) {
            *err = end_err;
            ok = false;
        }
    }
    if (ok)
        *ret_progress = progress;
    return ok;
}
