#include "services/ingest/dead_letters/dead_letter_replay.h"

#include <string.h>
#include "gen/ingest_sql.h"
#include "services/ingest/dead_letters/dead_letter_handlers.h"
#include "services/ingest/orders/order_intake.h"
#include "services/ingest/sql_array.h"

enum { REPLAY_LETTERS = 5000, REPLAY_BYTES = 8 << 20 };

static const char topic[] = "dead-letters";

typedef struct Replay {
    Ingest *ingest;
    Job *job;
    OrderIntake *intake;
    DeadLetterFilter filter;
    int64_t last_id;                             /* recorded up to this one */
    int64_t added_id;                            /* added up to this one */
    int64_t done, events, duplicates, still_bad; /* recorded */
} Replay;

static bool read_ids(const json_t *ids, Arena *arena, const char **ret_ids, Error *err)
{
    bool ok = json_is_array(ids) && json_array_size(ids) > 0 && json_array_size(ids) <= REPLAY_IDS_MAX;
    for (size_t i = 0; ok && i < json_array_size(ids); i++)
        ok = json_is_integer(json_array_get(ids, i));
    if (!ok)
        return error_set_at(err, ERROR_UNPROCESSABLE, "/ids", "ids must be an array of 1 to %d ids of dead letters",
                            REPLAY_IDS_MAX);
    *ret_ids = SQL_ARRAY(arena, json_array_size(ids), "%lld", (long long)json_integer_value(json_array_get(ids, i)));
    return true;
}

bool dead_letter_filter_read(const json_t *object, Arena *arena, DeadLetterFilter *ret_filter, Error *err)
{
    static const JsonField fields[] = {
        {"ids", JSON_FIELD_ANY, 0, true, 0, 0},
        {"reason", JSON_FIELD_TEXT, offsetof(DeadLetterFilter, reason), true, 0, 0},
        {"received_from", JSON_FIELD_INSTANT, offsetof(DeadLetterFilter, received_from), true, 0, 0},
        {"received_to", JSON_FIELD_INSTANT, offsetof(DeadLetterFilter, received_to), true, 0, 0},
        {0},
    };
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        size_t known = 0;
        while (fields[known].name && strcmp(fields[known].name, key) != 0)
            known++;
        if (!fields[known].name && strcmp(key, "until") != 0)
            return error_set_at(err, ERROR_UNPROCESSABLE, key,
                                "there is no filter %.40s; ids, reason, received_from and received_to are known", key);
    }
    DeadLetterFilter filter = {.received_from = INSTANT_NONE, .received_to = INSTANT_NONE};
    json_t *ids = json_object_get(object, "ids");
    const char *ids_text = NULL;
    if (ids && !json_is_null(ids) && !read_ids(ids, arena, &ids_text, err))
        return false;
    if (!json_read(object, "", fields + 1, arena, &filter, err))
        return false;
    filter.ids = ids_text;
    *ret_filter = filter;
    return true;
}

static void fill_result(const Replay *replay)
{
    json_t *result = replay->job->result;
    json_object_set_new(result, "last_id", json_integer(replay->last_id));
    json_object_set_new(result, "events", json_integer(replay->events));
    json_object_set_new(result, "duplicates", json_integer(replay->duplicates));
    json_object_set_new(result, "still_bad", json_integer(replay->still_bad));
}

static int64_t counted_before(const Job *job, const char *name)
{
    return json_integer_value(json_object_get(job->result, name));
}

static bool resolve_good(PgConnection *connection, const OrderBatch *batch, int64_t batch_id, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    const char *ids = SQL_ARRAY(batch->arena, batch->orders_count, "%lld", (long long)batch->orders[i].offset);
    if (!pg_run(connection, &sql_resolve_dead_letters, PG_PARAMS(pg_text(ids), pg_int(batch_id)), &row, err))
        return false;
    return pg_get_int(row, 0, 0) == (int64_t)batch->orders_count ||
           error_set(err, ERROR_CONFLICT, "another replay has resolved some of these dead letters");
}

static bool record(void *context, PgConnection *connection, const OrderBatch *batch, const StoreResult *result,
                   Error *err)
{
    const Replay *replay = context;
    Replay then = *replay;
    if (!resolve_good(connection, batch, result->batch_id, err))
        return false;
    for (size_t i = 0; i < batch->dead_letters_count; i++) {
        const BatchDeadLetter *dead = &batch->dead_letters[i];
        if (!pg_run(connection, &sql_fail_dead_letter,
                    PG_PARAMS(pg_int(dead->offset), pg_text(order_fault_name(dead->fault)), pg_text(dead->detail),
                              pg_text(dead->pointer)),
                    NULL, err))
            return false;
    }
    then.last_id = replay->added_id;
    then.done += result->messages;
    then.events += result->events;
    then.duplicates += result->duplicates;
    then.still_bad += result->dead_letters;
    fill_result(&then);
    then.job->done = then.done;
    return job_report(connection, then.job, err);
}

/* What record() told the database is now true. */
static void take_over(Replay *replay)
{
    const Job *job = replay->job;
    replay->last_id = replay->added_id;
    replay->done = job->done;
    replay->events = counted_before(job, "events");
    replay->duplicates = counted_before(job, "duplicates");
    replay->still_bad = counted_before(job, "still_bad");
}

static bool commit(Replay *replay, Error *err)
{
    if (replay->added_id == replay->last_id)
        return true;
    if (!order_intake_commit(replay->intake, err))
        return false;
    take_over(replay);
    return true;
}

static bool add_letters(Replay *replay, const PGresult *rows, Error *err)
{
    for (int i = 0; i < PQntuples(rows); i++) {
        size_t length_bytes;
        const char *payload = pg_get_bytes(rows, i, 1, &length_bytes);
        if (!order_intake_has_room(replay->intake, length_bytes) && !commit(replay, err))
            return false;
        if (!order_intake_add(replay->intake, pg_get_int(rows, i, 0), payload, length_bytes, err))
            return false;
        replay->added_id = pg_get_int(rows, i, 0);
    }
    return commit(replay, err);
}

static bool read_letters(const Replay *replay, int64_t until, PGresult **ret_rows, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    const DeadLetterFilter *filter = &replay->filter;
    return pg_acquire(replay->ingest->postgres, INGEST_DATABASE_WAIT_MS, &connection, err) &&
           pg_run(connection, &sql_select_dead_letters_to_replay,
                  PG_PARAMS(pg_text(filter->ids), pg_text(filter->reason), pg_instant(filter->received_from),
                            pg_instant(filter->received_to), pg_int(replay->last_id), pg_int(until),
                            pg_int(REPLAY_BYTES), pg_int(REPLAY_LETTERS)),
                  ret_rows, err);
}

static bool replay_all(Replay *replay, Error *err)
{
    int64_t until = json_integer_value(json_object_get(replay->job->parameters, "until"));
    for (;;) {
        PG_RESULT_SCOPED PGresult *rows = NULL;
        if (workers_stopping())
            return error_set(err, ERROR_UNAVAILABLE, "the service is stopping");
        if (!read_letters(replay, until, &rows, err))
            return false;
        if (PQntuples(rows) == 0)
            return true;
        if (!add_letters(replay, rows, err))
            return false;
    }
}

bool dead_letter_replay_run(void *service, Job *job, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    Replay replay = {.ingest = service, .job = job, .last_id = counted_before(job, "last_id")};
    const OrderOrigin origin = {
        .source = topic, .why = "replay", .records_dead_letters = true, .record = record, .context = &replay};
    replay.added_id = replay.last_id;
    take_over(&replay);
    fill_result(&replay);
    if (!dead_letter_filter_read(job->parameters, arena, &replay.filter, err) ||
        !order_intake_new(service, topic, &origin, &replay.intake, err))
        return false;
    bool ok = replay_all(&replay, err);
    order_intake_free(replay.intake);
    return ok;
}
