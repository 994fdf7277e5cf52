#include "services/feature-store/geo_demand/feature_progress.h"

#include <stdio.h>
#include "gen/feature_store_sql.h"

bool feature_progress_read(PgConnection *connection, const char *view, bool lock, FeatureProgress *ret_progress,
                           Error *err)
{
    PG_RESULT_SCOPED PGresult *result = NULL;
    const PgStatement *statement = lock ? &sql_lock_feature_progress : &sql_select_feature_progress;
    if (!pg_run(connection, statement, PG_PARAMS(pg_text(view)), &result, err))
        return false;
    if (PQntuples(result) != 1)
        return error_set(err, ERROR_INTERNAL, "features.progress has no row for %s", view);
    *ret_progress = (FeatureProgress){
        .source_cursor = pg_get_int(result, 0, 0),
        .recorded_seq = pg_get_int(result, 0, 1),
        .watermark = pg_get_instant(result, 0, 2),
        .complete_hour = pg_get_hour(result, 0, 3),
    };
    snprintf(ret_progress->origin, sizeof(ret_progress->origin), "%s", pg_get_text(result, 0, 4));
    return true;
}
