#include "services/ingest/quality/completeness_check.h"

#include "common/arena.h"
#include "gen/ingest_sql.h"
#include "services/ingest/quality/completeness.h"

typedef struct Check {
    PgConnection *connection;
    Arena *arena;
    Hour first; /* of the history that is looked at */
    Hour from;  /* gaps are looked for from here on */
    size_t hours;
} Check;

static bool store_gaps(const Check *check, int64_t geo_id, const int64_t *orders, Error *err)
{
    CompletenessGap *gaps = arena_array(check->arena, COMPLETENESS_GAPS_MAX, sizeof *gaps);
    size_t count = completeness_find_gaps(orders, check->first, check->hours, check->from, gaps, COMPLETENESS_GAPS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (!pg_run(check->connection, &sql_upsert_gap,
                    PG_PARAMS(pg_int(geo_id), pg_hour(gaps[i].from), pg_hour(gaps[i].to), pg_int(gaps[i].orders),
                              pg_real(gaps[i].expected), pg_real(gaps[i].log10_probability)),
                    NULL, err))
            return false;
    }
    return true;
}

/* Rows come by geo; hours without orders have none. */
static bool check_geos(const Check *check, const PGresult *rows, Error *err)
{
    int row = 0, count = PQntuples(rows);
    while (row < count) {
        int64_t geo_id = pg_get_int(rows, row, 0);
        int64_t *orders = arena_array(check->arena, check->hours, sizeof *orders);
        for (; row < count && pg_get_int(rows, row, 0) == geo_id; row++)
            orders[pg_get_hour(rows, row, 1) - check->first] = pg_get_int(rows, row, 2);
        if (!store_gaps(check, geo_id, orders, err))
            return false;
    }
    return true;
}

bool completeness_check(PgConnection *connection, Hour from, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    PG_RESULT_SCOPED PGresult *span = NULL;
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!pg_begin(connection, err) || !pg_run(connection, &sql_select_complete_span, PG_PARAMS(), &span, err))
        return false;
    Hour complete = pg_get_hour(span, 0, 0), first = pg_get_hour(span, 0, 1);
    if (complete == HOUR_NONE || first == HOUR_NONE || complete < first) {
        pg_rollback(connection);
        return true;
    }
    Check check = {.connection = connection, .arena = arena, .from = from};
    if (from == HOUR_NONE || from > complete)
        check.from = complete - COMPLETENESS_WINDOW_HOURS;
    check.first = check.from - (COMPLETENESS_WEEKS + 1) * HOURS_PER_WEEK;
    if (check.first < first)
        check.first = first;
    check.hours = (size_t)(complete + 1 - check.first);
    return pg_run(connection, &sql_select_completeness_hours, PG_PARAMS(pg_hour(check.first), pg_hour(complete + 1)),
                  &rows, err) &&
           check_geos(&check, rows, err) &&
           pg_run(connection, &sql_resolve_gaps, PG_PARAMS(pg_hour(check.from), pg_hour(complete + 1)), NULL, err) &&
           pg_commit(connection, err);
}
