#include "services/forecast-api/forecast_handlers.h"

#include <string.h>
#include "common/arrow_table.h"
#include "services/forecast-api/answer_text.h"
#include "services/forecast-api/forecast_api.h"

enum { BULK_GEOS_MAX = 1000 };

typedef struct Bulk {
    const Snapshot *snapshot;
    SnapshotGeo **geos;
    uint32_t count;
    Vertical vertical;
    size_t hours;
    int64_t since;
    FILE *file;
} Bulk;

typedef bool BulkWriter(const Bulk *bulk, Error *err);

static bool write_buffer(const Bulk *bulk, Buffer *buffer, Error *err)
{
    if (!buffer_ok(buffer, err))
        return false;
    if (fwrite(buffer->data, 1, buffer->length_bytes, bulk->file) != buffer->length_bytes)
        return error_set(err, ERROR_UNAVAILABLE, "the spool directory is full or can't be written");
    buffer_clear(buffer);
    return true;
}

static void write_head(const Bulk *bulk, Buffer *out)
{
    const IssuedSet *set = bulk->snapshot->parts.set;
    char issued_at[INSTANT_TEXT_MAX], cutoff[INSTANT_TEXT_MAX];
    instant_format(set->issued_at, issued_at);
    hour_format(set->cutoff, cutoff);
    buffer_append_text(out, "{\"set\":");
    buffer_append_json_string(out, set->id);
    buffer_printf(out, ",\"issued_at\":\"%s\",\"cutoff\":\"%s\",\"revision\":%lld,\"hours\":%zu,\"forecasts\":[",
                  issued_at, cutoff, (long long)bulk->snapshot->revision, bulk->hours);
}

static bool write_json(const Bulk *bulk, Error *err)
{
    ForecastAnswer answer;
    Buffer out BUFFER_SCOPED;
    buffer_init(&out, ANSWER_JSON_MAX_BYTES);
    write_head(bulk, &out);
    for (uint32_t i = 0; i < bulk->count; i++) {
        if (i > 0)
            buffer_append_char(&out, ',');
        answer_make(bulk->snapshot, bulk->geos[i], bulk->vertical, bulk->hours, &answer);
        answer_write_json(&out, &answer);
        if (!write_buffer(bulk, &out, err))
            return false;
    }
    buffer_append_text(&out, "]}");
    return write_buffer(bulk, &out, err);
}

static bool write_lines(const Bulk *bulk, Error *err)
{
    ForecastAnswer answer;
    Buffer out BUFFER_SCOPED;
    buffer_init(&out, ANSWER_JSON_MAX_BYTES);
    for (uint32_t i = 0; i < bulk->count; i++) {
        answer_make(bulk->snapshot, bulk->geos[i], bulk->vertical, bulk->hours, &answer);
        answer_write_json(&out, &answer);
        buffer_append_char(&out, '\n');
        if (!write_buffer(bulk, &out, err))
            return false;
    }
    return true;
}

static bool write_csv(const Bulk *bulk, Error *err)
{
    ForecastAnswer answer;
    Buffer out BUFFER_SCOPED;
    buffer_init(&out, ANSWER_JSON_MAX_BYTES);
    answer_write_csv_header(&out);
    for (uint32_t i = 0; i < bulk->count; i++) {
        answer_make(bulk->snapshot, bulk->geos[i], bulk->vertical, bulk->hours, &answer);
        answer_write_csv(&out, &answer);
        if (!write_buffer(bulk, &out, err))
            return false;
    }
    return write_buffer(bulk, &out, err);
}

static const ArrowColumn bulk_columns[] = {
    {.name = "geo", .type = ARROW_COLUMN_TEXT},
    {.name = "hour_utc", .type = ARROW_COLUMN_HOUR},
    {.name = "mean", .type = ARROW_COLUMN_REAL},
    {.name = "p10", .type = ARROW_COLUMN_REAL},
    {.name = "p50", .type = ARROW_COLUMN_REAL},
    {.name = "p90", .type = ARROW_COLUMN_REAL},
    {.name = "couriers", .type = ARROW_COLUMN_INT},
    {.name = "override", .type = ARROW_COLUMN_TEXT, .nullable = true},
    {.name = "model", .type = ARROW_COLUMN_TEXT},
    {.name = "quality", .type = ARROW_COLUMN_TEXT},
    {.name = "reason", .type = ARROW_COLUMN_TEXT, .nullable = true},
    {.name = "revision", .type = ARROW_COLUMN_INT},
};

static void write_arrow_rows(ArrowWriter *writer, const ForecastAnswer *answer)
{
    for (size_t i = 0; i < answer->hours; i++) {
        const AnswerHour *row = &answer->rows[i];
        arrow_text(writer, answer->geo->geo);
        arrow_int(writer, row->hour);
        arrow_real(writer, row->demand.mean);
        arrow_real(writer, row->demand.p10);
        arrow_real(writer, row->demand.p50);
        arrow_real(writer, row->demand.p90);
        arrow_int(writer, row->couriers);
        arrow_text(writer, row->override);
        arrow_text(writer, answer->model);
        arrow_text(writer, quality_names[answer->quality]);
        arrow_text(writer, answer->reason);
        arrow_int(writer, answer->revision);
        arrow_end_row(writer);
    }
}

static bool write_arrow(const Bulk *bulk, Error *err)
{
    const IssuedSet *set = bulk->snapshot->parts.set;
    char issued_at[INSTANT_TEXT_MAX], cutoff[INSTANT_TEXT_MAX];
    instant_format(set->issued_at, issued_at);
    hour_format(set->cutoff, cutoff);
    const ArrowMetadata metadata[] = {
        {"rushcast.set", set->id}, {"rushcast.issued_at", issued_at}, {"rushcast.cutoff", cutoff}, {NULL, NULL}};
    ArrowWriter *writer;
    if (!arrow_writer_new(bulk->file, bulk_columns, sizeof bulk_columns / sizeof *bulk_columns, metadata, &writer, err))
        return false;
    ForecastAnswer answer;
    for (uint32_t i = 0; i < bulk->count; i++) {
        answer_make(bulk->snapshot, bulk->geos[i], bulk->vertical, bulk->hours, &answer);
        write_arrow_rows(writer, &answer);
    }
    return arrow_writer_end(writer, err);
}

static const char *const bulk_types[] = {"application/json", "application/x-ndjson", "text/csv",
                                         "application/vnd.apache.arrow.stream", NULL};
static BulkWriter *const bulk_writers[] = {write_json, write_lines, write_csv, write_arrow};

static bool add_named(Bulk *bulk, char *list, Error *err)
{
    char *rest = NULL;
    for (char *name = strtok_r(list, ",", &rest); name != NULL; name = strtok_r(NULL, ",", &rest)) {
        SnapshotGeo *geo = snapshot_find(bulk->snapshot, name);
        if (geo == NULL)
            return error_set_at(err, ERROR_NOT_FOUND, "geo", "there is no geo \"%.64s\"; GET /geos lists them", name);
        if (bulk->count == BULK_GEOS_MAX)
            return error_set_at(err, ERROR_INVALID_ARGUMENT, "geo",
                                "geo names more than %d geos: ask for fewer, or for all by leaving it out",
                                BULK_GEOS_MAX);
        if (geo->revision > bulk->since)
            bulk->geos[bulk->count++] = geo;
    }
    return true;
}

static void add_leaves(Bulk *bulk)
{
    for (uint32_t i = 0; i < bulk->snapshot->count; i++) {
        SnapshotGeo *geo = &bulk->snapshot->geos[i];
        if (snapshot_is_leaf(geo) && geo->revision > bulk->since)
            bulk->geos[bulk->count++] = geo;
    }
}

static bool read_bulk(Request *request, Bulk *bulk, Error *err)
{
    int64_t hours;
    if (request_query(request, "set") != NULL)
        return error_set_at(err, ERROR_INVALID_ARGUMENT, "set",
                            "older sets are not answered here: leave set out for the one being served");
    if (!request_query_int(request, "hours", 1, ANSWER_HOURS_MAX, ANSWER_HOURS_MAX, &hours, err) ||
        !request_query_int(request, "since", 0, INT64_MAX, 0, &bulk->since, err) ||
        !forecast_query_vertical(request, &bulk->vertical, err))
        return false;
    bulk->hours = (size_t)hours;
    const char *named = request_query(request, "geo");
    Arena *arena = request_arena(request);
    size_t room = named != NULL ? BULK_GEOS_MAX : bulk->snapshot->count;
    bulk->geos = arena_array(arena, room + 1, sizeof(SnapshotGeo *));
    if (named != NULL)
        return add_named(bulk, arena_strdup(arena, named), err);
    add_leaves(bulk);
    return true;
}

static bool answer_bulk(Request *request, Response *response, const Snapshot *snapshot, Error *err)
{
    Bulk bulk = {.snapshot = snapshot};
    int type;
    if (!request_accepts(request, bulk_types, &type, err) || !read_bulk(request, &bulk, err) ||
        !response_spool(response, request, bulk_types[type], &bulk.file, err) || !bulk_writers[type](&bulk, err))
        return false;
    char revision[24];
    snprintf(revision, sizeof revision, "%lld", (long long)snapshot->revision);
    response_header(response, request, "Rushcast-Revision", revision);
    response_header(response, request, "Cache-Control", forecast_cache_control);
    response_header(response, request, "Vary", "Accept");
    return true;
}

bool forecasts_list(Request *request, Response *response, Error *err)
{
    Snapshot *snapshot;
    if (!forecast_api_hold(request->service, &snapshot, err))
        return false;
    bool ok = answer_bulk(request, response, snapshot, err);
    shared_unref(snapshot);
    return ok;
}
