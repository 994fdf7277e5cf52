#include "gen/ingest_sql.h"
#include "services/ingest/entities/entity_sql.h"
#include "services/ingest/entities/entity_write.h"

/* Locations that differ from what is known, but for those that an event showed later. */
static const char *moved_query(const Entity *entity, Arena *arena)
{
    return arena_printf(arena,
                        "SELECT f.branch, f.lat, f.lon, f.valid_from FROM (SELECT DISTINCT ON ({keys|\"$c\"|, })"
                        " {keys|\"$c\"::text|, } AS branch, \"%1$s\" AS lat, \"%2$s\" AS lon, valid_from, deleted"
                        " FROM \"fresh_{name}\" ORDER BY {keys|\"$c\"|, }, change_no DESC) f"
                        " LEFT JOIN core.branch_location b ON b.branch_id = f.branch"
                        " WHERE NOT f.deleted AND f.lat IS NOT NULL AND f.lon IS NOT NULL AND (b.branch_id IS NULL"
                        " OR ((b.lat, b.lon) IS DISTINCT FROM (f.lat, f.lon) AND b.located_at <= f.valid_from))",
                        entity->latitude, entity->longitude);
}

bool entity_locate(EntityTransaction *transaction, const Entity *entity, Error *err)
{
    if (!entity->latitude || !transaction->locate)
        return true;
    PG_RESULT_SCOPED PGresult *moved = NULL;
    if (!entity_run(transaction, moved_query(entity, transaction->arena), entity, PG_PARAMS(), &moved, err))
        return false;
    for (int row = 0; row < PQntuples(moved); row++) {
        int32_t geo_id;
        double lat = pg_get_real(moved, row, 1), lon = pg_get_real(moved, row, 2);
        if (!transaction->locate(transaction->context, lat, lon, &geo_id, err) ||
            !pg_run(transaction->connection, &sql_upsert_branch,
                    PG_PARAMS(pg_text(pg_get_text(moved, row, 0)), pg_int(geo_id), pg_real(lat), pg_real(lon),
                              pg_instant(pg_get_instant(moved, row, 3)), pg_int(transaction->result.batch_id),
                              pg_text("documents")),
                    NULL, err))
            return false;
    }
    transaction->result.located += PQntuples(moved);
    return true;
}
