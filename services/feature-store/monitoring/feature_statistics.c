#include "services/feature-store/monitoring/feature_statistics.h"

#include "services/feature-store/offline/feature_sql.h"

enum { COLUMN_ROWS, COLUMN_ENTITIES, FIRST_FEATURE_COLUMN, COLUMNS_PER_FEATURE = 4 };

static json_t *real_or_null(const PGresult *result, int column)
{
    return pg_is_null(result, 0, column) ? json_null() : json_real(pg_get_real(result, 0, column));
}

static json_t *feature_json(const Feature *feature, const PGresult *result, int column, int64_t rows)
{
    int64_t nulls = pg_get_int(result, 0, column + 3);
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "name", feature->name, "type", feature_type_name(feature->type),
                     "mean", real_or_null(result, column), "min", real_or_null(result, column + 1), "max",
                     real_or_null(result, column + 2), "null_rate",
                     rows > 0 ? json_real((double)nulls / (double)rows) : json_null());
}

typedef struct Statistics {
    const FeatureView *view;
    int64_t rows, entities;
    json_t *features;
} Statistics;

static bool read_statistics(void *context, const PGresult *result, Error *err)
{
    (void)err;
    Statistics *statistics = context;
    statistics->rows = pg_get_int(result, 0, COLUMN_ROWS);
    statistics->entities = pg_get_int(result, 0, COLUMN_ENTITIES);
    int column = FIRST_FEATURE_COLUMN;
    for (size_t i = 0; i < statistics->view->features_count; i++) {
        const Feature *feature = &statistics->view->features[i];
        if (feature->online_only)
            continue;
        json_array_append_new(statistics->features, feature_json(feature, result, column, statistics->rows));
        column += COLUMNS_PER_FEATURE;
    }
    return true;
}

static bool query_statistics(PgConnection *connection, Hour from, Hour to, Statistics *statistics, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    PgStatement statement = {.name = "feature_statistics", .sql = feature_sql_statistics(statistics->view, arena)};
    /* the event timestamp of an hour is its end */
    return pg_each(connection, &statement, PG_PARAMS(pg_hour(from + 1), pg_hour(to + 1)), read_statistics, statistics,
                   err);
}

bool feature_statistics_read(PgConnection *connection, const FeatureView *view, Instant now, json_t **ret_json,
                             Error *err)
{
    JSON_SCOPED json_t *features = json_array();
    Statistics statistics = {.view = view, .features = features};
    FeatureProgress progress;
    Hour from = HOUR_NONE, to = HOUR_NONE;
    bool ok = pg_begin(connection, err) &&
              pg_command(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", err) &&
              feature_progress_read(connection, view->table, false, &progress, err);
    if (ok && progress.complete_hour != HOUR_NONE) {
        to = progress.complete_hour + 1;
        from = to - FEATURE_STATISTICS_HOURS;
        ok = query_statistics(connection, from, to, &statistics, err);
    }
    pg_rollback(connection);
    if (!ok)
        return false;
    json_t *freshness = to != HOUR_NONE && now != INSTANT_NONE
                            ? json_real((double)(now - hour_start(to)) / INSTANT_PER_SECOND)
                            : json_null();
    *ret_json =
        json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:O}", "name", view->name, "version",
                  (json_int_t)view->version, "from", json_hour(from), "to", json_hour(to), "newest_event_timestamp",
                  json_hour(to), "freshness_s", freshness, "rows", (json_int_t)statistics.rows, "entities",
                  (json_int_t)statistics.entities, "cursor", (json_int_t)progress.recorded_seq, "features", features);
    return true;
}
