#include "services/feature-store/monitoring/parity.h"

#include <inttypes.h>
#include "common/buffer.h"
#include "gen/feature_store_sql.h"
#include "services/feature-store/offline/feature_columns.h"
#include "services/feature-store/offline/feature_sql.h"
#include "services/feature-store/online/online_store.h"

enum { COLUMN_ENTITY, COLUMN_KEY, COLUMN_EVENT_TIMESTAMP, FIRST_FEATURE_COLUMN, LIST_LIMIT_BYTES = 4096 };

static bool values_equal(const FeatureView *view, const PGresult *offline, int row, const FeatureRow *online)
{
    int column = FIRST_FEATURE_COLUMN;
    for (size_t i = 0; i < view->features_count; i++) {
        if (view->features[i].online_only)
            continue;
        FeatureType type = view->features[i].type;
        FeatureValue value = feature_value_get(type, offline, row, column++);
        if (!feature_value_equal(type, &value, &online->values[i]))
            return false;
    }
    return true;
}

static bool agrees(const FeatureView *view, const PGresult *offline, int row, const FeastEntityRow *online, Instant now)
{
    Instant event = pg_get_instant(offline, row, COLUMN_EVENT_TIMESTAMP);
    if (online->found && online->row.event_timestamp > event)
        return true;
    if (online->found && online->row.event_timestamp == event)
        return values_equal(view, offline, row, &online->row);
    return view->ttl_s > 0 && now != INSTANT_NONE && now - event > view->ttl_s * INSTANT_PER_SECOND;
}

/* The suspects, then the next entities in turn, as an array literal. */
static bool list_entities(PgConnection *connection, const FeatureView *view, ParityCheck *check, Buffer *list,
                          Error *err)
{
    PG_RESULT_SCOPED PGresult *next = NULL;
    if (!pg_run(connection, &sql_select_entities_after,
                PG_PARAMS(pg_text(view->entity_kind), pg_int(check->entity_id), pg_int(PARITY_SAMPLE)), &next, err))
        return false;
    int count = PQntuples(next);
    check->entity_id = count < PARITY_SAMPLE ? 0 : pg_get_int(next, count - 1, 0);
    buffer_append_char(list, '{');
    const char *comma = "";
    for (size_t i = 0; i < check->suspects_count; i++, comma = ",")
        buffer_printf(list, "%s%" PRId64, comma, check->suspects[i].entity_id);
    for (int i = 0; i < count; i++, comma = ",")
        buffer_printf(list, "%s%" PRId64, comma, pg_get_int(next, i, 0));
    buffer_append_char(list, '}');
    return buffer_ok(list, err);
}

/* Carries the entity over into `after`; returns whether it is newly mismatched. */
static bool suspect(const ParityCheck *before, ParityCheck *after, int64_t entity_id, Instant wall)
{
    Instant since = wall;
    bool was_confirmed = false;
    for (size_t i = 0; i < before->suspects_count; i++) {
        if (before->suspects[i].entity_id == entity_id) {
            since = before->suspects[i].since;
            was_confirmed = before->suspects[i].confirmed;
        }
    }
    bool confirmed = was_confirmed || wall - since >= PARITY_PATIENCE_S * INSTANT_PER_SECOND;
    after->result.mismatched += confirmed;
    if (after->suspects_count < PARITY_SAMPLE) {
        after->suspects[after->suspects_count].entity_id = entity_id;
        after->suspects[after->suspects_count].since = since;
        after->suspects[after->suspects_count++].confirmed = confirmed;
    }
    return confirmed && !was_confirmed;
}

static bool compare(RedisClient *redis, const FeatureView *view, const PGresult *offline, Instant wall, Instant now,
                    ParityCheck *check, size_t *ret_news, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    size_t count = (size_t)PQntuples(offline), news = 0;
    const char **entities = arena_array(arena, count + 1, sizeof(*entities));
    FeastEntityRow *online = NULL;
    for (size_t i = 0; i < count; i++)
        entities[i] = pg_get_text(offline, (int)i, COLUMN_KEY);
    if (!online_store_get(redis, view, entities, count, arena, &online, err))
        return false;
    ParityCheck after = {.entity_id = check->entity_id, .result = {.at = wall, .checked = (int64_t)count}};
    for (size_t i = 0; i < count; i++) {
        if (!agrees(view, offline, (int)i, &online[i], now))
            news += suspect(check, &after, pg_get_int(offline, (int)i, COLUMN_ENTITY), wall);
    }
    *check = after;
    *ret_news = news;
    return true;
}

bool parity_check(PgConnection *connection, RedisClient *redis, const FeatureView *view, Instant wall, Instant now,
                  ParityCheck *check, size_t *ret_news, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    PG_RESULT_SCOPED PGresult *offline = NULL;
    BUFFER_SCOPED Buffer list;
    buffer_init(&list, LIST_LIMIT_BYTES);
    return list_entities(connection, view, check, &list, err) &&
           pg_query(connection, feature_sql_newest_rows(view, arena), PG_PARAMS(pg_text(list.data)), &offline, err) &&
           compare(redis, view, offline, wall, now, check, ret_news, err);
}
