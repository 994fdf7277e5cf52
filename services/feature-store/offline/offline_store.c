#include "services/feature-store/offline/offline_store.h"

#include <stdlib.h>
#include <string.h>
#include "common/buffer.h"
#include "common/calendar.h"
#include "common/clock.h"
#include "gen/feature_store_sql.h"
#include "services/feature-store/geo_demand/feature_progress.h"
#include "services/feature-store/offline/feature_columns.h"
#include "services/feature-store/offline/feature_sql.h"

enum {
    ROWS_PER_PAGE = 10000,
    MONTHS_MAX = 600, /* a batch needs; each may be another partition to make */
    ARRAY_LIMIT_BYTES = ROWS_PER_PAGE * (2 * FEATURE_ENTITY_MAX + 3) + 16,
};
/* 1970-01-01 and 2200-01-01, what the rest of the program can write. */
static const Instant earliest = 0, latest = INT64_C(7258118400) * INSTANT_PER_SECOND;

typedef struct Pending {
    const OfflineRow *row;
    int32_t entity_id;
} Pending;

/* One batch in its open transaction. */
typedef struct Append {
    PgConnection *connection;
    const FeatureView *view;
    Pending *rows; /* ordered by entity and event timestamp, none there twice */
    size_t count;
    int64_t seq;
    Instant recorded_at; /* of rows that do not say */
    Buffer keys, instants;
} Append;

static bool instant_valid(Instant instant)
{
    return instant >= earliest && instant < latest;
}

static bool check_row(const FeatureView *view, const OfflineRow *row, size_t number, Error *err)
{
    if (row->entity == NULL || strlen(row->entity) > FEATURE_ENTITY_MAX)
        return error_set(err, ERROR_UNPROCESSABLE, "row %zu has no entity, or one of more than %d bytes", number,
                         FEATURE_ENTITY_MAX);
    if (!instant_valid(row->row.event_timestamp))
        return error_set(err, ERROR_UNPROCESSABLE, "the event timestamp of row %zu is not in the years 1970..2199",
                         number);
    if (row->row.created != INSTANT_NONE && !instant_valid(row->row.created))
        return error_set(err, ERROR_UNPROCESSABLE, "\"created\" of row %zu is not in the years 1970..2199", number);
    for (size_t i = 0; i < view->features_count; i++) {
        const FeatureValue *value = &row->row.values[i];
        const Feature *feature = &view->features[i];
        if (value->null)
            continue;
        if (feature->type == FEATURE_TEXT && strlen(value->text) > FEATURE_TEXT_MAX)
            return error_set(err, ERROR_UNPROCESSABLE, "%s of row %zu is longer than %d bytes", feature->name, number,
                             FEATURE_TEXT_MAX);
        if (feature->type == FEATURE_INSTANT && !instant_valid(value->instant))
            return error_set(err, ERROR_UNPROCESSABLE, "%s of row %zu is not in the years 1970..2199", feature->name,
                             number);
    }
    return true;
}

/* By entity, event timestamp and place in the batch. */
static int compare_pending(const void *one, const void *other)
{
    const OfflineRow *a = ((const Pending *)one)->row, *b = ((const Pending *)other)->row;
    int order = strcmp(a->entity, b->entity);
    if (order == 0)
        order = (a->row.event_timestamp > b->row.event_timestamp) - (a->row.event_timestamp < b->row.event_timestamp);
    return order != 0 ? order : (a > b) - (a < b);
}

static bool same_moment(const OfflineRow *a, const OfflineRow *b)
{
    return a->row.event_timestamp == b->row.event_timestamp && strcmp(a->entity, b->entity) == 0;
}

static void order_rows(Append *append, const OfflineRow *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        append->rows[i].row = &rows[i];
    qsort(append->rows, count, sizeof(*append->rows), compare_pending);
    for (size_t i = 0; i < count; i++) {
        if (i + 1 == count || !same_moment(append->rows[i].row, append->rows[i + 1].row))
            append->rows[append->count++] = append->rows[i];
    }
}

static void begin_array(Buffer *array)
{
    buffer_clear(array);
    buffer_append_char(array, '{');
}

static void append_array_text(Buffer *array, const char *text)
{
    buffer_append_text(array, array->length_bytes > 1 ? ",\"" : "\"");
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            buffer_append_char(array, '\\');
        buffer_append_char(array, *c);
    }
    buffer_append_char(array, '"');
}

static void append_array_instant(Buffer *array, Instant instant)
{
    char text[INSTANT_TEXT_MAX];
    instant_format(instant, text);
    append_array_text(array, text);
}

static bool end_array(Buffer *array, Error *err)
{
    buffer_append_char(array, '}');
    return buffer_ok(array, err);
}

static bool number_entities(Append *append, Pending *rows, size_t count, Error *err)
{
    PG_RESULT_SCOPED PGresult *numbers = NULL;
    begin_array(&append->keys);
    for (size_t i = 0; i < count; i++)
        append_array_text(&append->keys, rows[i].row->entity);
    if (!end_array(&append->keys, err))
        return false;
    PgParams params = PG_PARAMS(pg_text(append->view->entity_kind), pg_text(append->keys.data));
    if (!pg_run(append->connection, &sql_insert_entities, params, NULL, err) ||
        !pg_run(append->connection, &sql_select_entity_numbers, params, &numbers, err))
        return false;
    if ((size_t)PQntuples(numbers) != count)
        return error_set(err, ERROR_INTERNAL, "%d of %zu entities have a number", PQntuples(numbers), count);
    for (size_t i = 0; i < count; i++)
        rows[i].entity_id = (int32_t)pg_get_int(numbers, (int)i, 0);
    return true;
}

static bool row_is_as(const FeatureView *view, const OfflineRow *row, const PGresult *recorded, int number)
{
    int column = 1;
    for (size_t i = 0; i < view->features_count; i++) {
        if (view->features[i].online_only)
            continue;
        FeatureValue known = feature_value_get(view->features[i].type, recorded, number, column++);
        if (!feature_value_equal(view->features[i].type, &row->row.values[i], &known))
            return false;
    }
    return true;
}

/* Forgets the rows whose values are the newest recorded ones. */
static bool drop_recorded(Append *append, Pending *rows, size_t count, const char *sql, Error *err)
{
    PG_RESULT_SCOPED PGresult *recorded = NULL;
    begin_array(&append->keys);
    begin_array(&append->instants);
    for (size_t i = 0; i < count; i++) {
        buffer_printf(&append->keys, "%s%d", i > 0 ? "," : "", (int)rows[i].entity_id);
        append_array_instant(&append->instants, rows[i].row->row.event_timestamp);
    }
    if (!end_array(&append->keys, err) || !end_array(&append->instants, err) ||
        !pg_query(append->connection, sql, PG_PARAMS(pg_text(append->keys.data), pg_text(append->instants.data)),
                  &recorded, err))
        return false;
    for (int i = 0; i < PQntuples(recorded); i++) {
        Pending *known = &rows[pg_get_int(recorded, i, 0) - 1];
        if (row_is_as(append->view, known->row, recorded, i))
            known->row = NULL;
    }
    return true;
}

static bool prepare_rows(Append *append, Arena *arena, Error *err)
{
    const char *sql = feature_sql_newest_of(append->view, arena);
    for (size_t begin = 0; begin < append->count; begin += ROWS_PER_PAGE) {
        size_t count = append->count - begin < ROWS_PER_PAGE ? append->count - begin : ROWS_PER_PAGE;
        if (!number_entities(append, &append->rows[begin], count, err) ||
            !drop_recorded(append, &append->rows[begin], count, sql, err))
            return false;
    }
    size_t left = 0;
    for (size_t i = 0; i < append->count; i++) {
        if (append->rows[i].row != NULL)
            append->rows[left++] = append->rows[i];
    }
    append->count = left;
    return true;
}

static int month_of(Instant instant)
{
    int year, month, day;
    calendar_date(hour_of(instant) / HOURS_PER_DAY, &year, &month, &day);
    return (year - 1970) * 12 + month - 1;
}

static bool ensure_months(Append *append, Error *err)
{
    bool seen[(2200 - 1970) * 12] = {false};
    size_t months = 0;
    begin_array(&append->instants);
    for (size_t i = 0; i < append->count && months <= MONTHS_MAX; i++) {
        Instant instant = append->rows[i].row->row.event_timestamp;
        int month = month_of(instant);
        if (seen[month])
            continue;
        seen[month] = true;
        months++;
        append_array_instant(&append->instants, instant);
    }
    if (months > MONTHS_MAX)
        return error_set(err, ERROR_UNPROCESSABLE, "the event timestamps of one batch lie in more than %d months",
                         MONTHS_MAX);
    return end_array(&append->instants, err) &&
           pg_run(append->connection, &sql_ensure_months_of,
                  PG_PARAMS(pg_text(append->view->table), pg_text(append->instants.data)), NULL, err);
}

static bool copy_rows(Append *append, Arena *arena, Error *err)
{
    const FeatureView *view = append->view;
    PgCopy *copy = NULL;
    int16_t fields = 4;
    for (size_t i = 0; i < view->features_count; i++)
        fields += view->features[i].online_only ? 0 : 1;
    if (!pg_copy_begin(append->connection, feature_sql_copy_target(view, arena), &copy, err))
        return false;
    for (size_t i = 0; i < append->count; i++) {
        const FeatureRow *row = &append->rows[i].row->row;
        pg_copy_row(copy, fields);
        pg_copy_int4(copy, append->rows[i].entity_id);
        pg_copy_instant(copy, row->event_timestamp);
        pg_copy_int8(copy, append->seq);
        pg_copy_instant(copy, row->created == INSTANT_NONE ? append->recorded_at : row->created);
        for (size_t j = 0; j < view->features_count; j++) {
            if (!view->features[j].online_only)
                feature_value_copy(view->features[j].type, &row->values[j], copy);
        }
    }
    return pg_copy_end(copy, false, NULL, err);
}

static bool write_rows(Append *append, Arena *arena, Error *err)
{
    if (append->count == 0)
        return true;
    append->seq++;
    return ensure_months(append, err) && copy_rows(append, arena, err) &&
           pg_run(append->connection, &sql_update_feature_recorded,
                  PG_PARAMS(pg_text(append->view->table), pg_int(append->seq)), NULL, err);
}

/* The lock on the progress makes batches of a view come one after another, in the order of their numbers. */
static bool append_rows(Append *append, Arena *arena, Error *err)
{
    FeatureProgress progress;
    if (!pg_begin(append->connection, err))
        return false;
    bool ok = pg_command(append->connection, "SET LOCAL jit = off", err) &&
              feature_progress_read(append->connection, append->view->table, true, &progress, err);
    if (ok) {
        append->seq = progress.recorded_seq;
        append->recorded_at = clock_wall();
    }
    ok = ok && prepare_rows(append, arena, err) && write_rows(append, arena, err) && pg_commit(append->connection, err);
    if (!ok)
        pg_rollback(append->connection);
    return ok;
}

bool offline_store_append(PgConnection *connection, const FeatureView *view, const OfflineRow *rows, size_t count,
                          int64_t *ret_recorded_seq, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    if (!feature_view_is_stored(view))
        return error_set(err, ERROR_UNPROCESSABLE, "feature view %s is computed when asked for: it takes no rows",
                         view->name);
    if (count > OFFLINE_ROWS_PER_APPEND_MAX)
        return error_set(err, ERROR_TOO_LARGE, "at most %d rows at once", OFFLINE_ROWS_PER_APPEND_MAX);
    for (size_t i = 0; i < count; i++) {
        if (!check_row(view, &rows[i], i, err))
            return false;
    }
    Append append = {.connection = connection, .view = view};
    append.rows = arena_array(arena, count, sizeof(*append.rows));
    order_rows(&append, rows, count);
    buffer_init(&append.keys, ARRAY_LIMIT_BYTES);
    buffer_init(&append.instants, ARRAY_LIMIT_BYTES);
    bool ok = append_rows(&append, arena, err);
    buffer_fini(&append.keys);
    buffer_fini(&append.instants);
    if (ok)
        *ret_recorded_seq = append.seq;
    return ok;
}
