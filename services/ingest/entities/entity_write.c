#include "services/ingest/entities/entity_write.h"

#include <stdlib.h>
#include "services/ingest/entities/entity_sql.h"

/* Items beyond the end of a child's array, as long as it ever was: gone. */
static const char add_gone_items[] =
    "INSERT INTO \"stage_{name}\" (change_no, deleted, valid_from, kept{keys|, \"$c\"|})"
    " SELECT s.change_no, true, s.valid_from, 0{parent_keys|, s.\"$c\"|}, gone.position::text"
    " FROM \"stage_{parent}\" s"
    " JOIN (SELECT {parent_keys|\"$c\"|, }, max(items) AS items"
    " FROM (SELECT {parent_keys|\"$c\"|, }, \"#{name}\" AS items FROM \"stage_{parent}\""
    " UNION ALL SELECT {parent_keys|s.\"$c\"|, }, c.position + 1 FROM core.\"{name}\" c"
    " JOIN (SELECT DISTINCT {parent_keys|\"$c\"|, } FROM \"stage_{parent}\") s"
    " ON {parent_keys|c.\"$c\" = s.\"$c\"::$t| AND }) n"
    " GROUP BY {parent_keys|\"$c\"|, }) longest ON {parent_keys|longest.\"$c\" = s.\"$c\"| AND },"
    " generate_series(s.\"#{name}\", longest.items - 1) gone (position)";

/* The states that differ from the one before: in the batch, or else the present one. */
static const char create_fresh[] =
    "CREATE TEMPORARY TABLE \"fresh_{name}\" ON COMMIT DROP AS"
    " WITH typed AS (SELECT change_no, deleted, coalesce(valid_from, now()) AS valid_from, extra::jsonb AS extra"
    "{keys|, \"$c\"::$t AS \"$c\"|}{values|, \"$c\"::$t AS \"$c\"|} FROM \"stage_{name}\"),"
    " chained AS (SELECT t.*, row_number() OVER thing AS turn, lag(deleted) OVER thing AS was_deleted,"
    " lag(ROW(t.extra{values|, t.\"$c\"|})) OVER thing AS was"
    " FROM typed t WINDOW thing AS (PARTITION BY {keys|\"$c\"|, } ORDER BY change_no))"
    " SELECT t.change_no, t.deleted, p.batch_id IS NOT NULL AS present, t.valid_from, t.extra{keys|, "
    "t.\"$c\"|}{values|, t.\"$c\"|}"
    " FROM chained t LEFT JOIN core.\"{name}\" p ON {keys|p.\"$c\" = t.\"$c\"| AND }"
    " WHERE CASE WHEN (CASE WHEN t.turn = 1 THEN p.batch_id IS NULL ELSE t.was_deleted END) THEN NOT t.deleted"
    " WHEN t.deleted THEN true"
    " WHEN t.turn = 1 THEN (p.extra{values|, p.\"$c\"|}) IS DISTINCT FROM (t.extra{values|, t.\"$c\"|})"
    " ELSE t.was IS DISTINCT FROM ROW(t.extra{values|, t.\"$c\"|}) END";

static const char write_history[] = "INSERT INTO core.\"{name}_history\" (valid_from, batch_id, change_no, deleted, "
                                    "extra{keys|, \"$c\"|}{values|, \"$c\"|})"
                                    " SELECT valid_from, $1, change_no, deleted, extra{keys|, \"$c\"|}{values|, "
                                    "\"$c\"|} FROM \"fresh_{name}\""
                                    " ORDER BY {keys|\"$c\"|, }, change_no";

static const char delete_present[] =
    "DELETE FROM core.\"{name}\" c USING (SELECT DISTINCT ON ({keys|\"$c\"|, }) * FROM \"fresh_{name}\""
    " ORDER BY {keys|\"$c\"|, }, change_no DESC) f WHERE f.deleted AND {keys|c.\"$c\" = f.\"$c\"| AND }";

static const char update_present[] =
    "UPDATE core.\"{name}\" c SET valid_from = f.valid_from, batch_id = $1, recorded_at = now(), extra = f.extra"
    "{values|, \"$c\" = f.\"$c\"|} FROM (SELECT DISTINCT ON ({keys|\"$c\"|, }) * FROM \"fresh_{name}\""
    " WHERE present ORDER BY {keys|\"$c\"|, }, change_no DESC) f WHERE NOT f.deleted AND {keys|c.\"$c\" = f.\"$c\"| "
    "AND }";

/* Nobody else writes: without ON CONFLICT it takes half the time. */
static const char insert_present[] =
    "INSERT INTO core.\"{name}\" (valid_from, batch_id, extra{keys|, \"$c\"|}{values|, \"$c\"|})"
    " SELECT valid_from, $1, extra{keys|, \"$c\"|}{values|, \"$c\"|} FROM (SELECT DISTINCT ON ({keys|\"$c\"|, }) *"
    " FROM \"fresh_{name}\" WHERE NOT present ORDER BY {keys|\"$c\"|, }, change_no DESC) f WHERE NOT deleted";

/* Answers how many were written of things that are not in the history of this batch anyway. */
static const char write_personal[] =
    "WITH newest AS (SELECT DISTINCT ON ({keys|\"$c\"::$t|, }) deleted{keys|, \"$c\"::$t AS \"$c\"|}"
    "{personal|, \"$c\"::$t AS \"$c\"|} FROM \"stage_{name}\" ORDER BY {keys|\"$c\"::$t|, }, change_no DESC),"
    " changed AS (UPDATE personal.\"{name}\" p SET {personal|\"$c\" = n.\"$c\"|, } FROM newest n"
    " WHERE NOT n.deleted AND {keys|p.\"$c\" = n.\"$c\"| AND }"
    " AND ROW({personal|p.\"$c\"|, }) IS DISTINCT FROM ROW({personal|n.\"$c\"|, }) RETURNING {keys|p.\"$c\"|, }),"
    " added AS (INSERT INTO personal.\"{name}\" AS p ({keys|\"$c\"|, }{personal|, \"$c\"|})"
    " SELECT {keys|n.\"$c\"|, }{personal|, n.\"$c\"|} FROM newest n JOIN core.\"{name}\" c"
    " ON {keys|c.\"$c\" = n.\"$c\"| AND } LEFT JOIN personal.\"{name}\" p ON {keys|p.\"$c\" = n.\"$c\"| AND }"
    " WHERE NOT n.deleted AND {keys|p.\"$c\" IS NULL| AND } RETURNING {keys|p.\"$c\"|, })"
    " SELECT count(*) FROM (SELECT * FROM changed UNION ALL SELECT * FROM added) w WHERE NOT EXISTS"
    " (SELECT FROM \"fresh_{name}\" f WHERE {keys|f.\"$c\" = w.\"$c\"| AND })";

static const char count_recorded[] =
    "SELECT count(*) FROM (SELECT change_no FROM \"fresh_{name}\"{children| UNION SELECT change_no FROM \"fresh_$c\"|})"
    " changes";

static bool has_personal(const EntityTransaction *transaction, const Entity *entity)
{
    size_t count;
    entity_sql_columns(entity, ENTITY_PERSONAL, transaction->arena, &count);
    return count > 0;
}

static bool find_fresh(const EntityTransaction *transaction, const Entity *entity, Error *err)
{
    if ((entity->parent && !entity_run(transaction, add_gone_items, entity, PG_PARAMS(), NULL, err)) ||
        !entity_run(transaction, create_fresh, entity, PG_PARAMS(), NULL, err))
        return false;
    for (size_t c = 0; c < entity->children_count; c++) {
        if (!find_fresh(transaction, &entity->children[c], err))
            return false;
    }
    return true;
}

static bool write_tables(EntityTransaction *transaction, const Entity *entity, int64_t *personal_only, Error *err)
{
    PgParams batch = PG_PARAMS(pg_int(transaction->result.batch_id));
    PG_RESULT_SCOPED PGresult *row = NULL;
    if (!entity_run(transaction, write_history, entity, batch, NULL, err) ||
        !entity_run(transaction, delete_present, entity, PG_PARAMS(), NULL, err) ||
        !entity_run(transaction, update_present, entity, batch, NULL, err) ||
        !entity_run(transaction, insert_present, entity, batch, NULL, err))
        return false;
    if (has_personal(transaction, entity)) {
        if (!entity_run(transaction, write_personal, entity, PG_PARAMS(), &row, err))
            return false;
        if (!entity->parent)
            *personal_only = pg_get_int(row, 0, 0);
    }
    for (size_t c = 0; c < entity->children_count; c++) {
        if (!write_tables(transaction, &entity->children[c], personal_only, err))
            return false;
    }
    return true;
}

static bool count_group(EntityTransaction *transaction, const EntityGroup *group, int64_t personal_only, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    if (!entity_run(transaction, count_recorded, group->entity, PG_PARAMS(), &row, err))
        return false;
    int64_t recorded = pg_get_int(row, 0, 0) + personal_only, good = 0;
    for (size_t i = 0; i < group->count; i++)
        good += !group->items[i].faulty;
    /* A thing whose personal data and children changed in different changes of a batch counts for each. */
    recorded = recorded < good ? recorded : good;
    bool again = group->count > 0 && group->items[0].quarantine_id != 0;
    *(again ? &transaction->retried : &transaction->result.recorded) += recorded;
    return true;
}

bool entity_write(EntityTransaction *transaction, EntityGroup *group, Error *err)
{
    int64_t personal_only = 0;
    return entity_stage(transaction, group, err) && entity_quarantine_write(transaction, group, err) &&
           find_fresh(transaction, group->entity, err) &&
           write_tables(transaction, group->entity, &personal_only, err) &&
           count_group(transaction, group, personal_only, err) && entity_locate(transaction, group->entity, err);
}
