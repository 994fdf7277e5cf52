#include "services/ingest/source_handlers.h"

#include <string.h>
#include "common/clock.h"
#include "gen/ingest_sql.h"
#include "services/ingest/ingest.h"
#include "services/ingest/demand/progress.h"
#include "services/ingest/quality/span_quality.h"

static json_t *json_real_or_null(const PGresult *rows, int row, int column)
{
    return pg_is_null(rows, row, column) ? json_null() : json_real(pg_get_real(rows, row, column));
}

static json_t *json_text_or_null(const PGresult *rows, int row, int column)
{
    return pg_is_null(rows, row, column) ? json_null() : json_string(pg_get_text(rows, row, column));
}

/* What is not in the positions of the partitions. */
typedef struct StreamCounts {
    int64_t waiting, open_gaps, lost_messages;
} StreamCounts;

static bool read_counts(PgConnection *connection, StreamCounts *ret_counts, Error *err)
{
    PG_RESULT_SCOPED PGresult *waiting = NULL, *gaps = NULL;
    if (!pg_run(connection, &sql_count_waiting_events, PG_PARAMS(), &waiting, err) ||
        !pg_run(connection, &sql_count_open_gaps, PG_PARAMS(), &gaps, err))
        return false;
    *ret_counts = (StreamCounts){.waiting = pg_get_int(waiting, 0, 0),
                                 .open_gaps = pg_get_int(gaps, 0, 0),
                                 .lost_messages = pg_get_int(gaps, 0, 1)};
    return true;
}

static bool read_progress(Request *request, Progress *ret_progress, PartitionPosition **ret_positions,
                          size_t *ret_count, StreamCounts *ret_counts, Error *err)
{
    Ingest *ingest = request->service;
    PG_SCOPED PgConnection *connection = NULL;
    return ingest_acquire(ingest, &connection, err) && progress_read(connection, ret_progress, err) &&
           progress_read_positions(connection, ingest->config.kafka_topic, request_arena(request), ret_positions,
                                   ret_count, err) &&
           (!ret_counts || read_counts(connection, ret_counts, err));
}

/* The problem of the worker that reads Kafka, if it has one. */
static void find_kafka_problem(void *context, const char *name, bool needed, const char *problem)
{
    (void)needed;
    json_t **ret_problem = context;
    if (strcmp(name, "kafka") == 0 && problem)
        *ret_problem = json_string(problem);
}

/* Whether all that the stream holds is known to be recorded. What the database knows of the ends may be of an earlier
 * process; while the stream can't be read, nobody knows. */
static bool is_caught_up(const Ingest *ingest, const PartitionPosition *positions, size_t count)
{
    JSON_SCOPED json_t *problem = NULL;
    PartitionEnds ends;
    workers_visit(service_workers(), find_kafka_problem, &problem);
    order_pipeline_get_ends(ingest->pipeline, &ends);
    for (size_t i = 0; i < ends.count; i++) {
        for (size_t k = 0; k < count; k++) {
            if (positions[k].partition == ends.items[i].partition &&
                positions[k].next_offset < ends.items[i].end_offset)
                return false;
        }
    }
    return problem == NULL && ends.count > 0 && watermark_lag(positions, count) == 0;
}

/* Of all leaf geos in the week before the watermark, and of now. */
static bool read_recent_quality(Ingest *ingest, const Progress *progress, SpanQuality *ret_quality, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    Hour end = progress->watermark == INSTANT_NONE ? 0 : hour_of(progress->watermark) + 1;
    SpanQualityQuery week = {.from = end - HOURS_PER_WEEK,
                             .to = end,
                             .watermark = progress->watermark,
                             .now = clock_now(),
                             .late_after_s = ingest->config.quality_orders_late_s};
    return ingest_acquire(ingest, &connection, err) && span_quality_read(connection, &week, ret_quality, err);
}

bool handle_get_watermark(Request *request, Response *response, Error *err)
{
    Progress progress;
    PartitionPosition *positions;
    size_t count;
    SpanQuality quality;
    if (!read_progress(request, &progress, &positions, &count, NULL, err) ||
        !read_recent_quality(request->service, &progress, &quality, err))
        return false;
    json_t *quality_json = json_loads(span_quality_json(&quality, request_arena(request)), 0, NULL);
    response_json(response, json_pack("{so so sI sI si so sI sb sI so}", "watermark", json_instant(progress.watermark),
                                      "complete_hour", json_hour(watermark_complete_hour(progress.watermark)), "cursor",
                                      (json_int_t)progress.changed_seq, "as_of", (json_int_t)progress.as_of,
                                      "geo_version", progress.geo_version, "first_hour", json_hour(progress.first_hour),
                                      "lag", (json_int_t)watermark_lag(positions, count), "caught_up",
                                      is_caught_up(request->service, positions, count), "orders",
                                      (json_int_t)progress.orders, "quality", quality_json));
    return true;
}

static json_t *geo_json(const PGresult *rows, int row)
{
    return json_pack("{ss ss ss ss ss so so so sI so}", "geo", pg_get_text(rows, row, 0), "name",
                     pg_get_text(rows, row, 1), "kind", pg_get_text(rows, row, 2), "timezone",
                     pg_get_text(rows, row, 3), "country", pg_get_text(rows, row, 4), "lat",
                     json_real_or_null(rows, row, 5), "lon", json_real_or_null(rows, row, 6), "parent",
                     json_text_or_null(rows, row, 7), "geo_version", (json_int_t)pg_get_int(rows, row, 8), "first_hour",
                     json_hour(pg_get_hour(rows, row, 9)));
}

bool handle_list_geos(Request *request, Response *response, Error *err)
{
    Ingest *ingest = request->service;
    PG_SCOPED PgConnection *connection = NULL;
    PG_RESULT_SCOPED PGresult *rows = NULL;
    static const char *const known[] = {"after", "limit", NULL};
    const char *after = request_query(request, "after");
    int64_t limit;
    if (!request_query_only(request, known, err) ||
        !request_query_int(request, "limit", 1, GEOS_PAGE_MAX, GEOS_PAGE_DEFAULT, &limit, err) ||
        !ingest_acquire(ingest, &connection, err) ||
        !pg_run(connection, &sql_select_geos_page, PG_PARAMS(pg_text(after ? after : ""), pg_int(limit + 1)), &rows,
                err))
        return false;
    int count = PQntuples(rows) > limit ? (int)limit : PQntuples(rows);
    json_t *geos = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(geos, geo_json(rows, i));
    json_t *next = PQntuples(rows) > limit ? json_string(pg_get_text(rows, count - 1, 0)) : json_null();
    response_json(response, json_pack("{so so}", "geos", geos, "next", next));
    return true;
}

static json_t *partition_json(const PartitionPosition *position)
{
    return json_pack("{si sI so so sI sI sI}", "partition", (int)position->partition, "next_offset",
                     (json_int_t)position->next_offset, "end_offset",
                     position->end_offset < 0 ? json_null() : json_integer(position->end_offset), "last_event_at",
                     json_instant(position->latest_event_at), "events", (json_int_t)position->events, "duplicates",
                     (json_int_t)position->duplicates, "dead_letters", (json_int_t)position->dead_letters);
}

static json_t *kafka_json(const Ingest *ingest, const PartitionPosition *positions, size_t count,
                          const StreamCounts *counts)
{
    PartitionPosition sum = {.latest_event_at = INSTANT_NONE};
    json_t *partitions = json_array(), *problem = NULL;
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(partitions, partition_json(&positions[i]));
        sum.events += positions[i].events;
        sum.duplicates += positions[i].duplicates;
        sum.dead_letters += positions[i].dead_letters;
        if (positions[i].latest_event_at > sum.latest_event_at)
            sum.latest_event_at = positions[i].latest_event_at;
    }
    workers_visit(service_workers(), find_kafka_problem, &problem);
    return json_pack("{ss ss ss so ss sI so sI sI sI sI sI sI so}", "name", "orders", "kind", "kafka", "state",
                     problem ? "disconnected" : "connected", "problem", problem ? problem : json_null(), "topic",
                     ingest->config.kafka_topic, "lag", (json_int_t)watermark_lag(positions, count), "last_event_at",
                     json_instant(sum.latest_event_at), "events", (json_int_t)sum.events, "duplicates",
                     (json_int_t)sum.duplicates, "dead_letters", (json_int_t)sum.dead_letters, "waiting_for_branch",
                     (json_int_t)counts->waiting, "open_gaps", (json_int_t)counts->open_gaps, "lost_messages",
                     (json_int_t)counts->lost_messages, "partitions", partitions);
}

/* The company's databases. Each is read by a worker of its own, which looks at its status for what is wanted of it. */
static const struct {
    const char *name, *kind;
    const char *worker;   /* woken when the source is to be looked at now */
    size_t status_offset; /* of its SourceStatus in Ingest */
} sources[] = {
    {"company-sql", "sql", "sql_source", offsetof(Ingest, sql_status)},
    {"company-documents", "mongo", "document_source", offsetof(Ingest, document_status)},
};

enum { SOURCES = sizeof sources / sizeof *sources };

static SourceStatus *source_status(Ingest *ingest, size_t source)
{
    return (SourceStatus *)((char *)ingest + sources[source].status_offset);
}

bool handle_list_sources(Request *request, Response *response, Error *err)
{
    Progress progress;
    PartitionPosition *positions;
    size_t count;
    StreamCounts counts;
    if (!read_progress(request, &progress, &positions, &count, &counts, err))
        return false;
    json_t *list = json_array();
    json_array_append_new(list, kafka_json(request->service, positions, count, &counts));
    for (size_t i = 0; i < SOURCES; i++)
        json_array_append_new(list,
                              source_status_json(source_status(request->service, i), sources[i].name, sources[i].kind));
    response_json(response, json_pack("{so}", "sources", list));
    return true;
}

typedef struct SyncOptions {
    bool snapshot, accept_deletes;
} SyncOptions;

static const JsonField sync_fields[] = {
    {.name = "snapshot", .type = JSON_FIELD_BOOL, .offset = offsetof(SyncOptions, snapshot), .optional = true},
    {.name = "accept_deletes",
     .type = JSON_FIELD_BOOL,
     .offset = offsetof(SyncOptions, accept_deletes),
     .optional = true},
    {0},
};

static bool read_sync_options(Request *request, SyncOptions *ret_options, Error *err)
{
    JSON_SCOPED json_t *body = NULL;
    *ret_options = (SyncOptions){0};
    return request->body_length_bytes == 0 ||
           (request_json(request, &body, err) &&
            json_read(body, "", sync_fields, request_arena(request), ret_options, err));
}

static bool find_source(const char *name, size_t *ret_source, Error *err)
{
    for (size_t i = 0; i < SOURCES; i++)
        if (strcmp(sources[i].name, name) == 0) {
            *ret_source = i;
            return true;
        }
    return error_set(err, ERROR_NOT_FOUND,
                     "there is no source \"%.100s\" that can be read at will; GET /sources lists them", name);
}

bool handle_sync_source(Request *request, Response *response, Error *err)
{
    size_t source;
    SyncOptions options;
    if (!find_source(request_path(request, "name"), &source, err) || !read_sync_options(request, &options, err))
        return false;
    SourceStatus *status = source_status(request->service, source);
    if (!source_status_ask(status, options.snapshot, options.accept_deletes, err))
        return false;
    workers_wake(service_workers(), sources[source].worker);
    response_status(response, 202);
    response_json(response, source_status_json(status, sources[source].name, sources[source].kind));
    return true;
}
