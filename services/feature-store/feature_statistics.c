#include "services/feature-store/feature_statistics.h"

#include "services/feature-store/feature_sql.h"

enum { COLUMN_ROWS, COLUMN_GEOS, FIRST_FEATURE_COLUMN, COLUMNS_PER_FEATURE = 4 };

static json_t *hour_or_null(Hour hour)
{
    char text[INSTANT_TEXT_MAX];
    if (hour == HOUR_NONE)
        return json_null();
    hour_format(hour, text);
    return json_string(text);
}

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

bool feature_statistics_read(PgConnection *connection, const FeatureView *view, Instant now, json_t **ret_json,
                             Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    FeatureProgress progress;
    PG_RESULT_SCOPED PGresult *result = NULL;
    if (!feature_progress_read(connection, view->name, false, &progress, err))
        return false;
    Hour to = progress.complete_hour == HOUR_NONE ? 0 : progress.complete_hour + 1;
    Hour from = to > FEATURE_STATISTICS_HOURS ? to - FEATURE_STATISTICS_HOURS : 0;
    PgStatement statement = {
        .name = arena_printf(arena, "statistics_%s_%lld", view->name, (long long)view->version),
        .sql = feature_sql_statistics(view, arena),
    };
    if (!pg_run(connection, &statement, PG_PARAMS(pg_hour(from), pg_hour(to)), &result, err))
        return false;
    int64_t rows = pg_get_int(result, 0, COLUMN_ROWS);
    json_t *features = json_array();
    for (size_t i = 0; i < view->features_count; i++)
        json_array_append_new(features, feature_json(&view->features[i], result,
                                                     FIRST_FEATURE_COLUMN + (int)i * COLUMNS_PER_FEATURE, rows));
    bool known = progress.complete_hour != HOUR_NONE;
    json_t *freshness =
        known && now != INSTANT_NONE ? json_real((double)(now - hour_start(to)) / INSTANT_PER_SECOND) : json_null();
    *ret_json = json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:o}", "name", view->name, "version",
                          (json_int_t)view->version, "from", hour_or_null(known ? from : HOUR_NONE), "to",
                          hour_or_null(known ? to : HOUR_NONE), "newest_event_timestamp",
                          hour_or_null(known ? to : HOUR_NONE), "freshness_s", freshness, "rows", (json_int_t)rows,
                          "entities", (json_int_t)pg_get_int(result, 0, COLUMN_GEOS), "cursor",
                          (json_int_t)progress.recorded_seq, "features", features);
    return true;
}
