#include "services/feature-store/offline/historical_handlers.h"

#include "services/feature-store/feast/feast_endpoint.h"
#include "services/feature-store/feature_store.h"
#include "services/feature-store/offline/historical_body.h"
#include "services/feature-store/offline/point_in_time.h"
#include "services/feature-store/offline/table_writer.h"

typedef struct Answer {
    const HistoricalRequest *request;
    TableWriter *writer;
} Answer;

static void cleanup_document(yyjson_doc **document)
{
    yyjson_doc_free(*document);
}
#define DOCUMENT_SCOPED __attribute__((cleanup(cleanup_document)))

static void put_row(const Answer *answer, size_t row, size_t index, size_t count, const FeastEntityRow *rows)
{
    static const FeatureValue none = {.null = true};
    const FeastRequest *wanted = &answer->request->wanted;
    const EntityTable *table = &answer->request->table;
    for (size_t i = 0; i < table->count; i++)
        table_writer_put(answer->writer, &table->columns[i].values[row]);
    table_writer_put(answer->writer, &(FeatureValue){.instant = answer->request->moments[row]});
    for (size_t i = 0; i < wanted->columns_count; i++) {
        const FeastEntityRow *found = &rows[wanted->columns[i].view * count + index];
        table_writer_put(answer->writer, found->found ? &found->row.values[wanted->columns[i].feature] : &none);
    }
}

static bool put_rows(void *context, size_t first, size_t count, const FeastEntityRow *rows, Error *err)
{
    (void)err;
    for (size_t i = 0; i < count; i++)
        put_row(context, first + i, i, count, rows);
    return true;
}

static bool begin_table(const HistoricalRequest *asked, FILE *out, TableFormat format, Arena *arena,
                        TableWriter **ret_writer, Error *err)
{
    const FeastRequest *wanted = &asked->wanted;
    size_t count = 0;
    TableColumn *columns = arena_array(arena, asked->table.count + 1 + wanted->columns_count, sizeof(*columns));
    for (size_t i = 0; i < asked->table.count; i++)
        columns[count++] = (TableColumn){
            .name = asked->table.columns[i].name,
            .type = asked->table.columns[i].type,
            .nullable = true,
        };
    columns[count++] = (TableColumn){.name = "event_timestamp", .type = FEATURE_INSTANT};
    for (size_t i = 0; i < wanted->columns_count; i++) {
        const FeastColumn *column = &wanted->columns[i];
        columns[count++] = (TableColumn){
            .name = column->name,
            .type = wanted->views[column->view].view->features[column->feature].type,
            .nullable = true,
        };
    }
    return table_writer_new(out, format, columns, count, ret_writer, err);
}

static bool answer_request(Request *request, Response *response, const HistoricalRequest *asked, TableFormat format,
                           Error *err)
{
    FeatureStore *store = request->service;
    PG_SCOPED PgConnection *connection = NULL;
    FILE *out = NULL;
    Answer answer = {.request = asked};
    if (!feature_store_acquire(store, &connection, err) ||
        !response_spool(response, request, table_media_types[format], &out, err) ||
        !begin_table(asked, out, format, request_arena(request), &answer.writer, err))
        return false;
    PointInTime join = {&asked->wanted, asked->moments, asked->any_recorded, store->places};
    bool joined = point_in_time_each(connection, &join, put_rows, &answer, err);
    Error end_err;
    bool ended = table_writer_end(answer.writer, &end_err);
    if (joined && ended)
        return true;
    if (joined)
        *err = end_err;
    (void)feast_fail_store(err);
    if (error_http_status(err->code) < 500) /* nothing of it is the client's doing */
        err->code = ERROR_INTERNAL;
    return false;
}

static bool get_historical_features(Request *request, Response *response, Error *err)
{
    static const TableFormat formats[] = {TABLE_JSON, TABLE_CSV, TABLE_ARROW};
    static const char *const types[] = {"application/json", "text/csv", "application/vnd.apache.arrow.stream", NULL};
    const FeatureStore *store = request->service;
    DOCUMENT_SCOPED yyjson_doc *document = NULL;
    HistoricalQuestion question;
    EntityTable table;
    HistoricalRequest asked;
    int format = 0;
    return request_accepts(request, types, &format, err) &&
           historical_body_read(request, &document, &question, &table, err) &&
           historical_request_make(&question, table, &store->views, &store->services, request_arena(request), &asked,
                                   err) &&
           answer_request(request, response, &asked, formats[format], err);
}

bool historical_handle_get(Request *request, Response *response, Error *err)
{
    return feast_endpoint(get_historical_features, request, response, err);
}
