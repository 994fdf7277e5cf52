#include "services/feature-store/feast/feast_response.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

enum { LISTS_LIMIT_BYTES = FEAST_ENTITIES_MAX * (INSTANT_TEXT_MAX + 3) + 2 };
#define NO_TIMESTAMP "1970-01-01T00:00:00Z"

static const char *const status_names[] = {
    [FEAST_PRESENT] = "PRESENT",
    [FEAST_NULL_VALUE] = "NULL_VALUE",
    [FEAST_NOT_FOUND] = "NOT_FOUND",
    [FEAST_OUTSIDE_MAX_AGE] = "OUTSIDE_MAX_AGE",
};

const char *feast_status_name(FeastStatus status)
{
    return status_names[status];
}

/* Whether values of the row may be served at `now`: nothing older than the view's ttl is, whatever it was. */
static FeastStatus row_status(const FeatureView *view, const FeastEntityRow *row, Instant now)
{
    if (!row->found)
        return FEAST_NOT_FOUND;
    bool expired = view->ttl_s > 0 && now - row->row.event_timestamp > view->ttl_s * INSTANT_PER_SECOND;
    return expired ? FEAST_OUTSIDE_MAX_AGE : FEAST_PRESENT;
}

static FeastStatus value_status(const FeatureView *view, const FeastEntityRow *row, size_t feature, Instant now)
{
    FeastStatus status = row_status(view, row, now);
    return status == FEAST_PRESENT && row->row.values[feature].null ? FEAST_NULL_VALUE : status;
}

/* JSON lists that the columns of a view share, written once. */
typedef struct ViewLists {
    Buffer statuses; /* of a column in which nothing is null */
    Buffer timestamps;
} ViewLists;

typedef struct Answer {
    const FeastRequest *request;
    const FeastEntityRow *rows;
    Instant now;
    yyjson_mut_doc *doc;
    ViewLists lists[FEAST_VIEWS_MAX + 1]; /* the last ones are of join keys */
    size_t (*counts)[FEAST_STATUSES];
} Answer;

static yyjson_mut_val *make_integer(yyjson_mut_doc *doc, const FeatureValue *value)
{
    return yyjson_mut_sint(doc, value->integer);
}

/* The shortest text that reads back as the same double, always with a fraction or an exponent: clients infer types from
 * it. */
static yyjson_mut_val *make_real(yyjson_mut_doc *doc, const FeatureValue *value)
{
    if (isfinite(value->real))
        return yyjson_mut_real(doc, value->real);
    return yyjson_mut_str(doc, isnan(value->real) ? "NaN" : value->real > 0 ? "Infinity" : "-Infinity");
}

static yyjson_mut_val *make_boolean(yyjson_mut_doc *doc, const FeatureValue *value)
{
    return yyjson_mut_bool(doc, value->boolean);
}

static yyjson_mut_val *make_text(yyjson_mut_doc *doc, const FeatureValue *value)
{
    return yyjson_mut_str(doc, value->text);
}

static yyjson_mut_val *make_instant(yyjson_mut_doc *doc, const FeatureValue *value)
{
    char text[INSTANT_TEXT_MAX];
    return yyjson_mut_strncpy(doc, text, instant_format(value->instant, text));
}

typedef yyjson_mut_val *ValueMaker(yyjson_mut_doc *doc, const FeatureValue *value);
static ValueMaker *const value_makers[FEATURE_TYPES] = {
    [FEATURE_INT64] = make_integer, [FEATURE_FLOAT64] = make_real,    [FEATURE_BOOL] = make_boolean,
    [FEATURE_TEXT] = make_text,     [FEATURE_INSTANT] = make_instant,
};

static void append_quoted(Buffer *out, const char *plain, size_t length_bytes)
{
    char item[INSTANT_TEXT_MAX + 4] = ",\"";
    memcpy(item + 2, plain, length_bytes);
    item[length_bytes + 2] = '"';
    bool first = out->length_bytes == 1;
    buffer_append(out, item + (first ? 1 : 0), length_bytes + (first ? 2 : 3));
}

/* rows NULL: as of join keys, which are always there and have no time. */
static void write_lists(ViewLists *lists, const FeatureView *view, const FeastEntityRow *rows, size_t count,
                        Instant now)
{
    char text[INSTANT_TEXT_MAX];
    size_t text_bytes = 0;
    Instant formatted = INSTANT_NONE; /* rows mostly share their timestamp */
    buffer_init(&lists->statuses, LISTS_LIMIT_BYTES);
    buffer_init(&lists->timestamps, LISTS_LIMIT_BYTES);
    buffer_append_char(&lists->statuses, '[');
    buffer_append_char(&lists->timestamps, '[');
    for (size_t i = 0; i < count; i++) {
        const char *status = status_names[rows == NULL ? FEAST_PRESENT : row_status(view, &rows[i], now)];
        append_quoted(&lists->statuses, status, strlen(status));
        if (rows == NULL || !rows[i].found) {
            append_quoted(&lists->timestamps, NO_TIMESTAMP, sizeof(NO_TIMESTAMP) - 1);
            continue;
        }
        if (rows[i].row.event_timestamp != formatted) {
            formatted = rows[i].row.event_timestamp;
            text_bytes = instant_format(formatted, text);
        }
        append_quoted(&lists->timestamps, text, text_bytes);
    }
    buffer_append_char(&lists->statuses, ']');
    buffer_append_char(&lists->timestamps, ']');
}

static yyjson_mut_val *make_list(yyjson_mut_doc *doc, const Buffer *list)
{
    return yyjson_mut_rawn(doc, list->data, list->length_bytes);
}

static void add_result(const Answer *answer, yyjson_mut_val *results, yyjson_mut_val *values, yyjson_mut_val *statuses,
                       const Buffer *timestamps)
{
    yyjson_mut_doc *doc = answer->doc;
    yyjson_mut_val *result = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_val(doc, result, "values", values);
    yyjson_mut_obj_add_val(doc, result, "statuses", statuses);
    yyjson_mut_obj_add_val(doc, result, "event_timestamps", make_list(doc, timestamps));
    yyjson_mut_arr_append(results, result);
}

static void add_join_key(const Answer *answer, const FeastJoinKey *key, yyjson_mut_val *results)
{
    const ViewLists *lists = &answer->lists[FEAST_VIEWS_MAX];
    yyjson_mut_val *values = yyjson_mut_arr(answer->doc);
    for (size_t i = 0; i < answer->request->entities_count; i++) {
        if (key->type == FEATURE_INT64)
            yyjson_mut_arr_add_sint(answer->doc, values, strtoll(key->values[i], NULL, 10));
        else
            yyjson_mut_arr_add_str(answer->doc, values, key->values[i]);
    }
    add_result(answer, results, values, make_list(answer->doc, &lists->statuses), &lists->timestamps);
}

static yyjson_mut_val *make_statuses(const Answer *answer, const FeastColumn *column)
{
    const FeatureView *view = answer->request->views[column->view].view;
    size_t count = answer->request->entities_count;
    const FeastEntityRow *rows = &answer->rows[column->view * count];
    yyjson_mut_val *statuses = yyjson_mut_arr(answer->doc);
    for (size_t i = 0; i < count; i++)
        yyjson_mut_arr_add_str(answer->doc, statuses,
                               status_names[value_status(view, &rows[i], column->feature, answer->now)]);
    return statuses;
}

static void add_column(const Answer *answer, const FeastColumn *column, yyjson_mut_val *results)
{
    const FeatureView *view = answer->request->views[column->view].view;
    const ViewLists *lists = &answer->lists[column->view];
    size_t count = answer->request->entities_count, feature = column->feature;
    const FeastEntityRow *rows = &answer->rows[column->view * count];
    ValueMaker *make = value_makers[view->features[feature].type];
    size_t counts[FEAST_STATUSES] = {0};
    yyjson_mut_val *values = yyjson_mut_arr(answer->doc);
    for (size_t i = 0; i < count; i++) {
        FeastStatus status = value_status(view, &rows[i], feature, answer->now);
        counts[status]++;
        yyjson_mut_arr_append(values, status == FEAST_PRESENT ? make(answer->doc, &rows[i].row.values[feature])
                                                              : yyjson_mut_null(answer->doc));
    }
    for (int status = 0; status < FEAST_STATUSES; status++)
        answer->counts[column->view][status] += counts[status];
    yyjson_mut_val *statuses =
        counts[FEAST_NULL_VALUE] > 0 ? make_statuses(answer, column) : make_list(answer->doc, &lists->statuses);
    add_result(answer, results, values, statuses, &lists->timestamps);
}

static yyjson_mut_val *make_metadata(const Answer *answer)
{
    const FeastRequest *request = answer->request;
    yyjson_mut_doc *doc = answer->doc;
    yyjson_mut_val *metadata = yyjson_mut_obj(doc);
    yyjson_mut_val *names = yyjson_mut_obj_add_arr(doc, metadata, "feature_names");
    for (size_t i = 0; i < request->join_keys_count; i++)
        yyjson_mut_arr_add_str(doc, names, request->join_keys[i].name);
    for (size_t i = 0; i < request->columns_count; i++)
        yyjson_mut_arr_add_str(doc, names, request->columns[i].name);
    if (request->with_version_metadata) {
        yyjson_mut_val *views = yyjson_mut_obj_add_arr(doc, metadata, "feature_view_metadata");
        for (size_t i = 0; i < request->views_count; i++) {
            yyjson_mut_val *view = yyjson_mut_arr_add_obj(doc, views);
            yyjson_mut_obj_add_str(doc, view, "name", request->views[i].view->name);
            yyjson_mut_obj_add_sint(doc, view, "version", request->views[i].view->version);
        }
    }
    return metadata;
}

static void write_document(yyjson_mut_doc *doc, Buffer *out)
{
    size_t length_bytes = 0;
    char *text = yyjson_mut_write(doc, YYJSON_WRITE_ALLOW_INVALID_UNICODE, &length_bytes);
    if (text == NULL)
        abort();
    buffer_append(out, text, length_bytes);
    free(text);
}

void feast_response_write(const FeastRequest *request, const FeastEntityRow *rows, Instant now, Buffer *out,
                          size_t (*ret_counts)[FEAST_STATUSES])
{
    Answer answer = {
        .request = request, .rows = rows, .now = now, .doc = yyjson_mut_doc_new(NULL), .counts = ret_counts};
    size_t count = request->entities_count;
    write_lists(&answer.lists[FEAST_VIEWS_MAX], NULL, NULL, count, now);
    for (size_t i = 0; i < request->views_count; i++)
        write_lists(&answer.lists[i], request->views[i].view, &rows[i * count], count, now);
    yyjson_mut_val *root = yyjson_mut_obj(answer.doc);
    yyjson_mut_doc_set_root(answer.doc, root);
    yyjson_mut_obj_add_val(answer.doc, root, "metadata", make_metadata(&answer));
    yyjson_mut_val *results = yyjson_mut_obj_add_arr(answer.doc, root, "results");
    for (size_t i = 0; i < request->join_keys_count; i++)
        add_join_key(&answer, &request->join_keys[i], results);
    for (size_t i = 0; i < request->columns_count; i++)
        add_column(&answer, &request->columns[i], results);
    write_document(answer.doc, out);
    yyjson_mut_doc_free(answer.doc);
    for (size_t i = 0; i <= FEAST_VIEWS_MAX; i++) {
        buffer_fini(&answer.lists[i].statuses);
        buffer_fini(&answer.lists[i].timestamps);
    }
}
