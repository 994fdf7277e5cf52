#include "services/ingest/demand/demand_handlers.h"

#include <string.h>
#include "common/clock.h"
#include "gen/ingest_sql.h"
#include "services/ingest/demand/demand_grid.h"
#include "services/ingest/demand/demand_writer.h"
#include "services/ingest/ingest.h"
#include "services/ingest/demand/progress.h"
#include "services/ingest/quality/span_quality.h"

/* What a request asks for. */
typedef struct DemandQuery {
    DemandFormat format;
    const char *geo;      /* NULL: all leaf geos */
    const char *vertical; /* NULL: all orders */
    Hour from, to;
    int64_t as_of; /* commit_seq */
    bool past;     /* as it was then, instead of now */
} DemandQuery;

static const char *const grid_query[] = {"geo", "from", "to", "vertical", "as_of", NULL};
static const char *const changes_query[] = {"changed_since", "limit", NULL};
static const char *const query_verticals[] = {"restaurant", "goods", NULL};

/* Several statements must see the same state. */
static bool begin_snapshot(Ingest *ingest, PgConnection **ret_connection, Error *err)
{
    return ingest_acquire(ingest, ret_connection, err) && pg_begin(*ret_connection, err) &&
           pg_command(*ret_connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", err);
}

static bool read_format(const Request *request, DemandFormat *ret_format, Error *err)
{
    int format;
    if (!request_accepts(request, demand_media_types, &format, err))
        return false;
    *ret_format = (DemandFormat)format;
    return true;
}

/* The answer about the past must be the same for ever, so it can't depend on what is known now. */
static bool read_as_of(const Request *request, const Progress *progress, DemandQuery *query, Error *err)
{
    query->past = request_query(request, "as_of") != NULL;
    if (!request_query_int(request, "as_of", 1, INT64_MAX, progress->as_of, &query->as_of, err))
        return false;
    if (!query->past)
        return true;
    if (query->as_of > progress->as_of)
        return error_set_at(err, ERROR_INVALID_ARGUMENT, "as_of", "as_of is %lld, and the newest batch is %lld",
                            (long long)query->as_of, (long long)progress->as_of);
    return (request_query(request, "from") && request_query(request, "to")) ||
           error_set_at(err, ERROR_INVALID_ARGUMENT, "as_of", "as_of needs from and to");
}

/* Without `from` from the first hour with an order, without `to` up to the watermark, its own hour included. */
static bool read_query(const Request *request, const Progress *progress, DemandQuery *query, Error *err)
{
    Hour first = progress->first_hour == HOUR_NONE ? 0 : progress->first_hour;
    Hour end = progress->watermark == INSTANT_NONE ? first : hour_of(progress->watermark) + 1;
    int vertical;
    if (!read_format(request, &query->format, err) || !request_query_hour(request, "from", first, &query->from, err) ||
        !request_query_hour(request, "to", end > query->from ? end : query->from, &query->to, err) ||
        !request_query_word(request, "vertical", query_verticals, -1, &vertical, err))
        return false;
    if (!read_as_of(request, progress, query, err))
        return false;
    if (query->to < query->from)
        return error_set_at(err, ERROR_INVALID_ARGUMENT, "to", "to is before from; the span is [from, to)");
    query->geo = request_query(request, "geo");
    query->vertical = vertical < 0 ? NULL : query_verticals[vertical];
    return true;
}

static bool find_geo(PgConnection *connection, const char *geo, DemandGeo *ret_geo, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    if (!pg_run(connection, &sql_select_geo_id, PG_PARAMS(pg_text(geo)), &row, err))
        return false;
    if (PQntuples(row) == 0)
        return error_set_at(err, ERROR_NOT_FOUND, "geo", "there is no geo \"%.64s\"; GET /geos lists them", geo);
    *ret_geo = (DemandGeo){.geo_id = (int32_t)pg_get_int(row, 0, 0), .geo = geo};
    return true;
}

static bool list_leaves(PgConnection *connection, const DemandQuery *query, Arena *arena, DemandGeo **ret_geos,
                        size_t *ret_count, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!(query->past ? pg_run(connection, &sql_select_leaf_geos_as_of, PG_PARAMS(pg_int(query->as_of)), &rows, err)
                      : pg_run(connection, &sql_select_leaf_geos, PG_PARAMS(), &rows, err)))
        return false;
    size_t count = (size_t)PQntuples(rows);
    DemandGeo *geos = arena_array(arena, count, sizeof *geos);
    for (int i = 0; i < PQntuples(rows); i++)
        geos[i] =
            (DemandGeo){.geo_id = (int32_t)pg_get_int(rows, i, 0), .geo = arena_strdup(arena, pg_get_text(rows, i, 1))};
    *ret_geos = geos;
    *ret_count = count;
    return true;
}

static void emit_row(void *context, const DemandGeo *geo, Hour hour, int64_t count)
{
    demand_writer_row(context, geo->geo, hour, NULL, count);
}

/* Rows of geo_id, hour, count; geo_id 0 stands for the only geo of the grid. */
static bool put_counts(void *context, const PGresult *rows, Error *err)
{
    (void)err;
    DemandGrid *grid = context;
    for (int i = 0; i < PQntuples(rows); i++) {
        int32_t geo_id = (int32_t)pg_get_int(rows, i, 0);
        demand_grid_put(grid, geo_id == 0 ? grid->geos[0].geo_id : geo_id, pg_get_hour(rows, i, 1),
                        pg_get_int(rows, i, 2));
    }
    return true;
}

static bool write_grid(PgConnection *connection, const DemandQuery *query, DemandGrid *grid, Error *err)
{
    const PgParam from = pg_hour(query->from), to = pg_hour(query->to), vertical = pg_text(query->vertical);
    const PgParam as_of = pg_int(query->as_of), geo_id = pg_int(query->geo ? grid->geos[0].geo_id : 0);
    const struct {
        const PgStatement *statement;
        PgParams params;
    } ways[2][2] = {
        {{&sql_select_demand_of_leaves, PG_PARAMS(from, to, vertical)},
         {&sql_select_demand_of_geo, PG_PARAMS(geo_id, from, to, vertical)}},
        {{&sql_select_demand_of_leaves_as_of, PG_PARAMS(from, to, vertical, as_of)},
         {&sql_select_demand_of_geo_as_of, PG_PARAMS(geo_id, from, to, vertical, as_of)}},
    };
    size_t of_past = query->past, of_geo = query->geo != NULL;
    if (!pg_each(connection, ways[of_past][of_geo].statement, ways[of_past][of_geo].params, put_counts, grid, err))
        return false;
    demand_grid_end(grid);
    return true;
}

static void add_headers(Request *request, Response *response, const DemandQuery *query, const Progress *progress)
{
    char text[INSTANT_TEXT_MAX];
    response_header(response, request, "Rushcast-Geo-Version",
                    arena_printf(request_arena(request), "%d", progress->geo_version));
    response_header(response, request, "Rushcast-As-Of",
                    arena_printf(request_arena(request), "%lld", (long long)query->as_of));
    response_header(response, request, "Rushcast-Cursor",
                    arena_printf(request_arena(request), "%lld", (long long)progress->changed_seq));
    if (progress->watermark == INSTANT_NONE)
        return;
    instant_format(progress->watermark, text);
    response_header(response, request, "Rushcast-Watermark", text);
    hour_format(watermark_complete_hour(progress->watermark), text);
    response_header(response, request, "Rushcast-Complete-Hour", text);
}

static bool read_quality(Ingest *ingest, PgConnection *connection, const DemandQuery *query, int32_t geo_id,
                         const Progress *progress, SpanQuality *ret_quality, Error *err)
{
    SpanQualityQuery span = {.from = query->from,
                             .to = query->to,
                             .geo_id = geo_id,
                             .watermark = progress->watermark,
                             .now = clock_now(),
                             .late_after_s = ingest->config.quality_orders_late_s};
    return span_quality_read(connection, &span, ret_quality, err);
}

static const char *json_text(Arena *arena, const char *text)
{
    BUFFER_SCOPED Buffer quoted;
    buffer_init(&quoted, 4096);
    buffer_append_json_string(&quoted, text);
    return arena_strdup(arena, quoted.data);
}

static const char *instant_text(Arena *arena, Instant instant)
{
    char text[INSTANT_TEXT_MAX];
    if (instant == INSTANT_NONE)
        return NULL;
    instant_format(instant, text);
    return arena_strdup(arena, text);
}

static void open_json(FILE *out, Arena *arena, const DemandQuery *query, const Progress *progress,
                      const SpanQuality *quality)
{
    fprintf(out,
            "{\"geo\":%s,\"vertical\":%s,\"from\":%s,\"to\":%s,\"watermark\":%s,\"cursor\":%lld,\"as_of\":%lld,"
            "\"geo_version\":%d,\"quality\":%s,"
            "\"demand\":[",
            json_text(arena, query->geo), json_text(arena, query->vertical),
            json_text(arena, instant_text(arena, hour_start(query->from))),
            json_text(arena, instant_text(arena, hour_start(query->to))),
            json_text(arena, instant_text(arena, progress->watermark)), (long long)progress->changed_seq,
            (long long)query->as_of, progress->geo_version, span_quality_json(quality, arena));
}

static bool answer_grid(Request *request, Response *response, Error *err)
{
    Ingest *ingest = request->service;
    Arena *arena = request_arena(request);
    PG_SCOPED PgConnection *connection = NULL;
    Progress progress;
    DemandQuery query;
    if (!request_query_only(request, grid_query, err) || !begin_snapshot(ingest, &connection, err) ||
        !progress_read(connection, &progress, err) || !read_query(request, &progress, &query, err))
        return false;
    if (query.past) {
        progress.watermark = INSTANT_NONE; /* what it was then is not kept */
        progress.changed_seq = query.as_of;
    }
    DemandGeo one, *geos = &one;
    size_t count = 1;
    if (!(query.geo ? find_geo(connection, query.geo, &one, err)
                    : list_leaves(connection, &query, arena, &geos, &count, err)))
        return false;
    int64_t rows = (int64_t)count * (query.to - query.from);
    if (rows > DEMAND_ROWS_MAX)
        return error_set_at(
            err, ERROR_INVALID_ARGUMENT, "from",
            "%zu geos of %d hours are %lld rows; at most %d are answered at once: ask for a shorter span", count,
            query.to - query.from, (long long)rows, DEMAND_ROWS_MAX);
    FILE *out;
    DemandWriter writer;
    SpanQuality quality;
    if (!read_quality(ingest, connection, &query, query.geo ? one.geo_id : 0, &progress, &quality, err) ||
        !response_spool(response, request, demand_media_types[query.format], &out, err))
        return false;
    response_header(response, request, "Rushcast-Quality", span_quality_header(&quality, arena));
    if (query.format == DEMAND_JSON)
        open_json(out, arena, &query, &progress, &quality);
    else
        add_headers(request, response, &query, &progress);
    if (!demand_writer_begin(&writer, query.format, false, out, err))
        return false;
    DemandGrid grid = {.geos = geos,
                       .geos_count = count,
                       .from = query.from,
                       .to = query.to,
                       .emit = emit_row,
                       .context = &writer,
                       .hour_at = query.from};
    bool written = write_grid(connection, &query, &grid, err);
    Error end_error;
    if (!demand_writer_end(&writer, written ? err : &end_error) || !written)
        return false;
    if (query.format == DEMAND_JSON)
        fputs("]}", out);
    return true;
}

typedef struct ChangesPage {
    DemandWriter writer;
    int64_t cursor;
} ChangesPage;

static bool put_changes(void *context, const PGresult *rows, Error *err)
{
    (void)err;
    ChangesPage *page = context;
    for (int i = 0; i < PQntuples(rows); i++) {
        const char *vertical = pg_get_text(rows, i, 2);
        page->writer.geo = NULL; /* the text before may be gone, and this one be in its place */
        demand_writer_row(&page->writer, pg_get_text(rows, i, 0), pg_get_hour(rows, i, 1),
                          strcmp(vertical, order_vertical_name(VERTICAL_UNKNOWN)) == 0 ? NULL : vertical,
                          pg_get_int(rows, i, 3));
        page->cursor = pg_get_int(rows, i, 4);
    }
    return true;
}

static bool answer_changes(Request *request, Response *response, Error *err)
{
    Ingest *ingest = request->service;
    Arena *arena = request_arena(request);
    PG_SCOPED PgConnection *connection = NULL;
    Progress progress;
    int64_t since, limit;
    DemandFormat format;
    if (!request_query_only(request, changes_query, err) ||
        !request_query_int(request, "changed_since", 0, INT64_MAX, 0, &since, err) ||
        !request_query_int(request, "limit", 1, DEMAND_CHANGES_MAX, DEMAND_CHANGES_DEFAULT, &limit, err) ||
        !read_format(request, &format, err) || !begin_snapshot(ingest, &connection, err) ||
        !progress_read(connection, &progress, err))
        return false;
    FILE *out;
    if (!response_spool(response, request, demand_media_types[format], &out, err))
        return false;
    ChangesPage page = {.cursor = since};
    if (format == DEMAND_JSON)
        fputs("{\"changes\":[", out);
    if (!demand_writer_begin(&page.writer, format, true, out, err))
        return false;
    bool written = pg_each(connection, &sql_select_demand_changes, PG_PARAMS(pg_int(since), pg_int(limit)), put_changes,
                           &page, err);
    Error end_error;
    if (!demand_writer_end(&page.writer, written ? err : &end_error) || !written)
        return false;
    bool more = page.cursor < progress.changed_seq;
    if (format == DEMAND_JSON)
        fprintf(out, "],\"cursor\":%lld,\"more\":%s}", (long long)page.cursor, more ? "true" : "false");
    response_header(response, request, "Rushcast-Cursor", arena_printf(arena, "%lld", (long long)page.cursor));
    response_header(response, request, "Rushcast-More", more ? "true" : "false");
    return true;
}

bool handle_get_demand(Request *request, Response *response, Error *err)
{
    return request_query(request, "changed_since") ? answer_changes(request, response, err)
                                                   : answer_grid(request, response, err);
}
