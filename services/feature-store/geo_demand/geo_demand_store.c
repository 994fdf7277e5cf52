#include "services/feature-store/geo_demand/geo_demand_store.h"

#include <math.h>
#include <string.h>
#include "common/arena.h"
#include "common/buffer.h"
#include "common/clock.h"
#include "gen/feature_store_sql.h"
#include "services/feature-store/geo_demand/feature_progress.h"
#include "services/feature-store/geo_demand/geo_demand_features.h"

enum {
    GEOS_PER_BATCH = 256,
    HOURS_PER_CHUNK = 8760, /* of one geo, so that memory does not grow with its life */
    ROWS_PER_COPY = 50000,
    ID_LIST_LIMIT_BYTES = GEOS_PER_BATCH * 12 + 16,
};

static bool change_valid(const GeoDemandChange *change, Error *err)
{
    if (change->geo == NULL || change->geo[0] == '\0' || change->hour == HOUR_NONE)
        return error_set(err, ERROR_UPSTREAM, "a demand change has no geo or no hour");
    if (change->orders < 0 || change->orders > GEO_DEMAND_ORDERS_MAX)
        return error_set(err, ERROR_UPSTREAM, "demand of geo %s is %lld, which is not 0..%d", change->geo,
                         (long long)change->orders, GEO_DEMAND_ORDERS_MAX);
    if (change->vertical != NULL && strcmp(change->vertical, "restaurant") != 0 &&
        strcmp(change->vertical, "goods") != 0)
        return error_set(err, ERROR_UPSTREAM, "demand of geo %s has the unknown vertical \"%.40s\"", change->geo,
                         change->vertical);
    return true;
}

static bool stage_page(PgConnection *connection, const GeoDemandChange *changes, size_t count, Error *err)
{
    PgCopy *copy = NULL;
    if (!pg_run(connection, &sql_truncate_demand_page, PG_PARAMS(), NULL, err) ||
        !pg_copy_begin(connection, "features.demand_page (geo, hour, vertical, orders)", &copy, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        pg_copy_row(copy, 4);
        pg_copy_text(copy, changes[i].geo);
        pg_copy_instant(copy, hour_start(changes[i].hour));
        pg_copy_text(copy, changes[i].vertical);
        pg_copy_int4(copy, (int32_t)changes[i].orders);
    }
    return pg_copy_end(copy, false, NULL, err);
}

static bool store_page(PgConnection *connection, int64_t cursor_after, const GeoDemandChange *changes, size_t count,
                       Error *err)
{
    if (count > 0 && (!stage_page(connection, changes, count, err) ||
                      !pg_run(connection, &sql_update_page_geos, PG_PARAMS(), NULL, err) ||
                      !pg_run(connection, &sql_insert_page_entities, PG_PARAMS(), NULL, err) ||
                      !pg_run(connection, &sql_insert_page_geos, PG_PARAMS(), NULL, err) ||
                      !pg_run(connection, &sql_upsert_page_demand, PG_PARAMS(), NULL, err) ||
                      !pg_run(connection, &sql_truncate_demand_page, PG_PARAMS(), NULL, err)))
        return false;
    return pg_run(connection, &sql_update_feature_cursor, PG_PARAMS(pg_text(GEO_DEMAND_TABLE), pg_int(cursor_after)),
                  NULL, err);
}

bool geo_demand_apply(PgConnection *connection, int64_t cursor_before, int64_t cursor_after,
                      const GeoDemandChange *changes, size_t count, Error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!change_valid(&changes[i], err))
            return false;
    }
    FeatureProgress progress;
    if (!pg_begin(connection, err))
        return false;
    bool ok = feature_progress_read(connection, GEO_DEMAND_TABLE, true, &progress, err);
    if (ok && progress.source_cursor != cursor_before && progress.source_cursor < cursor_after)
        ok = error_set(err, ERROR_CONFLICT, "the stored cursor is %lld, not %lld: another process went on",
                       (long long)progress.source_cursor, (long long)cursor_before);
    if (ok && progress.source_cursor == cursor_before)
        ok = store_page(connection, cursor_after, changes, count, err);
    ok = ok && pg_commit(connection, err);
    if (!ok)
        pg_rollback(connection);
    return ok;
}

typedef struct RecordedRow {
    int32_t geo_id;
    Hour hour;
    GeoDemandFeatures features;
} RecordedRow;

/* One recording in its open transaction. */
typedef struct Recording {
    PgConnection *connection;
    Hour complete_hour;
    int64_t seq;
    Instant recorded_at;
    int64_t rows; /* of the transaction, buffered ones included */
    RecordedRow *buffer;
    size_t buffered;
    GeoDemandCounts *counts;     /* GEO_DEMAND_LOOKBACK_HOURS + HOURS_PER_CHUNK */
    GeoDemandFeatures *features; /* HOURS_PER_CHUNK */
} Recording;

static void copy_int_or_null(PgCopy *copy, int32_t value)
{
    if (value == GEO_DEMAND_NULL)
        pg_copy_null(copy);
    else
        pg_copy_int8(copy, value);
}

static void copy_row(PgCopy *copy, const Recording *recording, const RecordedRow *row)
{
    const GeoDemandFeatures *features = &row->features;
    pg_copy_row(copy, 15);
    pg_copy_int4(copy, row->geo_id);
    pg_copy_instant(copy, hour_start(row->hour + 1));
    pg_copy_int8(copy, recording->seq);
    pg_copy_instant(copy, recording->recorded_at);
    pg_copy_int8(copy, features->orders);
    pg_copy_int8(copy, features->restaurant);
    pg_copy_int8(copy, features->goods);
    pg_copy_int8(copy, features->orders_3h);
    pg_copy_int8(copy, features->orders_24h);
    pg_copy_int8(copy, features->orders_168h);
    for (size_t i = 0; i < GEO_DEMAND_SAME_HOURS; i++)
        copy_int_or_null(copy, features->same_hour[i]);
    if (isnan(features->trend))
        pg_copy_null(copy);
    else
        pg_copy_float8(copy, features->trend);
}

static bool flush_rows(Recording *recording, Error *err)
{
    PgCopy *copy = NULL;
    if (recording->buffered == 0)
        return true;
    if (!pg_copy_begin(recording->connection,
                       "features." GEO_DEMAND_TABLE
                       " (entity_id, event_timestamp, recorded_seq, recorded_at, orders, restaurant, goods,"
                       " orders_3h, orders_24h, orders_168h, same_hour_1w, same_hour_2w, same_hour_3w, same_hour_4w,"
                       " trend)",
                       &copy, err))
        return false;
    for (size_t i = 0; i < recording->buffered; i++)
        copy_row(copy, recording, &recording->buffer[i]);
    recording->buffered = 0;
    return pg_copy_end(copy, false, NULL, err);
}

static bool add_row(Recording *recording, const RecordedRow *row, Error *err)
{
    recording->buffer[recording->buffered++] = *row;
    recording->rows++;
    return recording->buffered < ROWS_PER_COPY || flush_rows(recording, err);
}

/* Dense counts of [from, through] into recording->counts. */
static bool read_counts(Recording *recording, int32_t geo_id, Hour from, Hour through, Error *err)
{
    PG_RESULT_SCOPED PGresult *result = NULL;
    if (!pg_run(recording->connection, &sql_select_demand_counts,
                PG_PARAMS(pg_int(geo_id), pg_hour(from), pg_hour(through)), &result, err))
        return false;
    memset(recording->counts, 0, (size_t)(through - from + 1) * sizeof(*recording->counts));
    for (int row = 0; row < PQntuples(result); row++) {
        GeoDemandCounts *counts = &recording->counts[pg_get_hour(result, row, 0) - from];
        counts->restaurant = (int32_t)pg_get_int(result, row, 2);
        counts->goods = (int32_t)pg_get_int(result, row, 3);
        counts->orders = (int32_t)pg_get_int(result, row, 1) + counts->restaurant + counts->goods;
    }
    return true;
}

static int32_t get_int_or_null(const PGresult *result, int row, int column)
{
    return pg_is_null(result, row, column) ? GEO_DEMAND_NULL : (int32_t)pg_get_int(result, row, column);
}

static GeoDemandFeatures read_features_row(const PGresult *result, int row)
{
    GeoDemandFeatures features = {
        .orders = (int32_t)pg_get_int(result, row, 1),
        .restaurant = (int32_t)pg_get_int(result, row, 2),
        .goods = (int32_t)pg_get_int(result, row, 3),
        .orders_3h = (int32_t)pg_get_int(result, row, 4),
        .orders_24h = (int32_t)pg_get_int(result, row, 5),
        .orders_168h = (int32_t)pg_get_int(result, row, 6),
        .trend = pg_get_real(result, row, 11),
    };
    for (int i = 0; i < GEO_DEMAND_SAME_HOURS; i++)
        features.same_hour[i] = get_int_or_null(result, row, 7 + i);
    return features;
}

/* Adds the hours of [from, through] whose features differ from the newest recorded ones, or have none. Of the idle
 * hours only the newest is added: the online store serves a geo's newest row, and the others would say zero. */
static bool add_changed(Recording *recording, int32_t geo_id, Hour from, Hour through, bool may_be_recorded, Error *err)
{
    PG_RESULT_SCOPED PGresult *recorded = NULL;
    int recorded_rows = 0, next = 0;
    if (may_be_recorded) {
        if (!pg_run(recording->connection, &sql_select_recorded_demand_features,
                    PG_PARAMS(pg_int(geo_id), pg_hour(from + 1), pg_hour(through + 1)), &recorded, err))
            return false;
        recorded_rows = PQntuples(recorded);
    }
    for (Hour hour = from; hour <= through; hour++) {
        const GeoDemandFeatures *features = &recording->features[hour - from];
        if (next < recorded_rows && pg_get_hour(recorded, next, 0) == hour + 1) {
            GeoDemandFeatures known = read_features_row(recorded, next++);
            if (geo_demand_equal(&known, features))
                continue;
        } else if (features->idle && hour < recording->complete_hour) {
            continue;
        }
        if (!add_row(recording, &(RecordedRow){geo_id, hour, *features}, err))
            return false;
    }
    return true;
}

/* The first hour of the geo in that row of select_geos_due that may have to be recorded. */
static Hour due_from(const Recording *recording, const PGresult *due, int row)
{
    Hour first = pg_get_hour(due, row, 1), computed = pg_get_hour(due, row, 2), changed = pg_get_hour(due, row, 3);
    Hour from = computed == HOUR_NONE ? first : computed + 1;
    Hour oldest = recording->complete_hour - GEO_DEMAND_HISTORY_HOURS + 1;
    if (changed != HOUR_NONE && changed < from)
        from = changed;
    return from < oldest ? oldest : from;
}

static bool record_geo(Recording *recording, const PGresult *due, int row, Error *err)
{
    int32_t geo_id = (int32_t)pg_get_int(due, row, 0);
    Hour first = pg_get_hour(due, row, 1), computed = pg_get_hour(due, row, 2);
    Hour from = due_from(recording, due, row);
    while (from <= recording->complete_hour) {
        Hour through = recording->complete_hour;
        if (through - from >= HOURS_PER_CHUNK)
            through = from + HOURS_PER_CHUNK - 1;
        Hour begin = from - first > GEO_DEMAND_LOOKBACK_HOURS ? from - GEO_DEMAND_LOOKBACK_HOURS : first;
        if (!read_counts(recording, geo_id, begin, through, err))
            return false;
        geo_demand_compute(recording->counts, (size_t)(from - begin), (size_t)(through - begin + 1),
                           recording->features);
        if (!add_changed(recording, geo_id, from, through, computed != HOUR_NONE && from <= computed, err))
            return false;
        from = through + 1;
    }
    return true;
}

static bool ensure_months(Recording *recording, const PGresult *due, Error *err)
{
    Hour from = recording->complete_hour;
    for (int row = 0; row < PQntuples(due); row++) {
        Hour begin = due_from(recording, due, row);
        if (begin < from)
            from = begin;
    }
    return pg_run(recording->connection, &sql_ensure_feature_months,
                  PG_PARAMS(pg_text(GEO_DEMAND_TABLE), pg_hour(from + 1), pg_hour(recording->complete_hour + 1)), NULL,
                  err);
}

static bool mark_computed(Recording *recording, const PGresult *due, Error *err)
{
    BUFFER_SCOPED Buffer ids;
    buffer_init(&ids, ID_LIST_LIMIT_BYTES);
    for (int row = 0; row < PQntuples(due); row++)
        buffer_printf(&ids, "%c%d", row == 0 ? '{' : ',', (int)pg_get_int(due, row, 0));
    buffer_append_char(&ids, '}');
    return buffer_ok(&ids, err) &&
           pg_run(recording->connection, &sql_update_geos_computed,
                  PG_PARAMS(pg_text(ids.data), pg_hour(recording->complete_hour), pg_int(recording->seq)), NULL, err);
}

/* Records geos after *geo_id until none is due, the transaction is large enough or `stop`. */
static bool record_geos(Recording *recording, int64_t *geo_id, bool (*stop)(void), bool *ret_done, Error *err)
{
    *ret_done = false;
    while (recording->rows < GEO_DEMAND_RECORDING_ROWS && !(stop != NULL && stop())) {
        PG_RESULT_SCOPED PGresult *due = NULL;
        if (!pg_run(recording->connection, &sql_select_geos_due,
                    PG_PARAMS(pg_hour(recording->complete_hour), pg_int(*geo_id), pg_int(GEOS_PER_BATCH)), &due, err))
            return false;
        int geos = PQntuples(due);
        if (geos == 0) {
            *ret_done = true;
            break;
        }
        if (!ensure_months(recording, due, err))
            return false;
        for (int row = 0; row < geos; row++) {
            if (!record_geo(recording, due, row, err))
                return false;
        }
        if (!mark_computed(recording, due, err))
            return false;
        *geo_id = pg_get_int(due, geos - 1, 0);
    }
    return flush_rows(recording, err);
}

static bool finish_recording(Recording *recording, bool done, Instant watermark, Error *err)
{
    if (recording->rows > 0 && !pg_run(recording->connection, &sql_update_feature_recorded,
                                       PG_PARAMS(pg_text(GEO_DEMAND_TABLE), pg_int(recording->seq)), NULL, err))
        return false;
    if (done && !pg_run(recording->connection, &sql_update_feature_watermark,
                        PG_PARAMS(pg_text(GEO_DEMAND_TABLE), pg_instant(watermark), pg_hour(recording->complete_hour)),
                        NULL, err))
        return false;
    return pg_commit(recording->connection, err);
}

bool geo_demand_record(PgConnection *connection, Hour complete_hour, Instant watermark, bool (*stop)(void),
                       int64_t *ret_rows, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    Recording recording = {.connection = connection};
    recording.buffer = arena_array(arena, ROWS_PER_COPY, sizeof(*recording.buffer));
    recording.counts = arena_array(arena, GEO_DEMAND_LOOKBACK_HOURS + HOURS_PER_CHUNK, sizeof(*recording.counts));
    recording.features = arena_array(arena, HOURS_PER_CHUNK, sizeof(*recording.features));
    int64_t rows = 0, geo_id = 0;
    bool done = false;
    while (!done && !(stop != NULL && stop())) {
        FeatureProgress progress;
        if (!pg_begin(connection, err))
            return false;
        bool ok = feature_progress_read(connection, GEO_DEMAND_TABLE, true, &progress, err);
        if (ok) {
            recording.complete_hour = complete_hour;
            if (progress.complete_hour != HOUR_NONE && progress.complete_hour > complete_hour)
                recording.complete_hour = progress.complete_hour;
            recording.seq = progress.recorded_seq + 1;
            recording.recorded_at = clock_wall();
            recording.rows = 0;
        }
        ok = ok && record_geos(&recording, &geo_id, stop, &done, err) &&
             finish_recording(&recording, done, watermark, err);
        if (!ok) {
            pg_rollback(connection);
            return false;
        }
        rows += recording.rows;
    }
    *ret_rows = rows;
    return true;
}
