#include "services/feature-store/offline/historical_handlers.h"

#include <stdlib.h>
#include "services/feature-store/feast/feast_body.h"
#include "services/feature-store/feast/feast_endpoint.h"
#include "services/feature-store/feature_store.h"
#include "services/feature-store/offline/historical_request.h"
#include "services/feature-store/offline/point_in_time.h"
#include "services/feature-store/offline/table_writer.h"

typedef struct Answer {
    const HistoricalRequest *request;
    TableWriter *writer;
} Answer;

static void put_row(const Answer *answer, size_t row, size_t index, size_t count, const FeastEntityRow *rows)
{
    const FeastRequest *wanted = &answer->request->wanted;
    for (size_t i = 0; i < wanted->join_keys_count; i++) {
        const FeastJoinKey *key = &wanted->join_keys[i];
        FeatureValue value = {.text = key->values[row]};
        if (key->type == FEATURE_INT64)
            value = (FeatureValue){.integer = strtoll(key->values[row], NULL, 10)};
        table_writer_put(answer->writer, &value);
    }
    table_writer_put(answer->writer, &(FeatureValue){.instant = answer->request->moments[row]});
    for (size_t i = 0; i < wanted->columns_count; i++) {
        const FeastEntityRow *found = &rows[wanted->columns[i].view * count + index];
        table_writer_put(answer->writer,
                         found->found ? &found->row.values[wanted->columns[i].feature] : &(FeatureValue){.null = true});
    }
}

static bool put_rows(void *context, size_t first, size_t count, const FeastEntityRow *rows, Error *err)
{
    (void)err;
    for (size_t i = 0; i < count; i++)
        put_row(context, first + i, i, count, rows);
    return true;
}

static bool begin_table(const FeastRequest *wanted, FILE *out, TableFormat format, Arena *arena,
                        TableWriter **ret_writer, Error *err)
{
    size_t count = 0;
    TableColumn *columns = arena_array(arena, wanted->join_keys_count + 1 + wanted->columns_count, sizeof(*columns));
    for (size_t i = 0; i < wanted->join_keys_count; i++)
        columns[count++] = (TableColumn){.name = wanted->join_keys[i].name, .type = wanted->join_keys[i].type};
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
        !begin_table(&asked->wanted, out, format, request_arena(request), &answer.writer, err))
        return false;
    PointInTime join = {&asked->wanted, asked->moments, asked->any_recorded, store->places};
    bool joined = point_in_time_each(connection, &join, put_rows, &answer, err);
    Error end_err;
    bool ended = table_writer_end(answer.writer, &end_err);
    if (joined && !ended)
        *err = end_err;
    return joined && ended;
}

static const TableFormat formats[] = {TABLE_JSON, TABLE_CSV, TABLE_ARROW};
static const char *const media_types[] = {"application/json", "text/csv", "application/vnd.apache.arrow.stream", NULL};

static bool handle_get(Request *request, Response *response, Error *err)
{
    const FeatureStore *store = request->service;
    FEAST_BODY_SCOPED yyjson_doc *body = NULL;
    HistoricalRequest asked;
    int choice = 0;
    return request_accepts(request, media_types, &choice, err) && feast_body_read(request, &body, err) &&
           historical_request_read(yyjson_doc_get_root(body), &store->views, &store->services, request_arena(request),
                                   &asked, err) &&
           answer_request(request, response, &asked, formats[choice], err);
}

bool historical_handle_get(Request *request, Response *response, Error *err)
{
    return feast_endpoint(handle_get, request, response, err);
}
