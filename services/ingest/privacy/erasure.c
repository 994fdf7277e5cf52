#include "services/ingest/privacy/erasure.h"

#include <glib.h>
#include <string.h>
#include "common/clock.h"
#include "common/kafka_consumer.h"
#include "common/worker.h"
#include "gen/ingest_sql.h"
#include "services/ingest/ingest.h"
#include "services/ingest/privacy/erasure_steps.h"

enum {
    PASSES_MIN = 2, /* the last one is the proof that nothing is left */
    PASSES_MAX = 10,
    KAFKA_DEADLINE_MS = 5000,
    ACQUIRE_DEADLINE_MS = 5000,
    SHOWN_HMAC_BYTES = 8,
};

/* The rows of one place. Rows that only the scan of all orders finds (their payload is gone) are no reason to look for
 * messages again. */
static const struct Place {
    const char *name; /* as the job's result calls it while it runs */
    ErasureStep *search;
    int first_pass;
    bool proves; /* finding nothing there is a part of the proof */
} places[] = {
    {"dead_letters", erasure_search_dead_letters, 1, true},
    {"payloads", erasure_search_payloads, 1, true},
    {"order_events", erasure_search_order_events, PASSES_MIN, false},
    {"things", erasure_search_things, 1, true},
};
enum { PLACES_COUNT = sizeof places / sizeof places[0] };

bool erasure_request(PgConnection *connection, const char *customer_id, int64_t *ret_job_id, Error *err)
{
    PG_RESULT_SCOPED PGresult *open = NULL;
    Tombstone tombstone;
    if (!privacy_tombstone_of(connection, customer_id, &tombstone, err) || !pg_begin(connection, err))
        return false;
    PgParam hmac = pg_bytes(tombstone.hmac, sizeof tombstone.hmac);
    if (!pg_run(connection, &sql_lock_erasure_requests, PG_PARAMS(), NULL, err) ||
        !pg_run(connection, &sql_select_open_erasure, PG_PARAMS(hmac), &open, err))
        return false;
    if (PQntuples(open) == 1) {
        *ret_job_id = pg_get_int(open, 0, 0);
        return pg_commit(connection, err);
    }
    char shown[2 * SHOWN_HMAC_BYTES + 1];
    for (size_t i = 0; i < SHOWN_HMAC_BYTES; i++)
        snprintf(shown + 2 * i, 3, "%02x", tombstone.hmac[i]);
    JSON_SCOPED json_t *parameters = json_pack("{ss}", "customer", shown);
    int64_t job_id;
    if (!job_create(connection, ERASURE_JOB_KIND, parameters, &job_id, err) ||
        !pg_run(connection, &sql_insert_erasure, PG_PARAMS(pg_int(job_id), hmac, pg_text(customer_id)), NULL, err) ||
        !pg_commit(connection, err))
        return false;
    *ret_job_id = job_id;
    return true;
}

/* Nothing of the customer is stored from here on: whoever stores anything has seen the tombstone, or had ended before.
 */
static bool bury(const Erasure *erasure, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    Tombstone tombstone;
    if (!privacy_tombstone_of(erasure->connection, erasure->customer_id, &tombstone, err))
        return false;
    PgParam hmac = pg_bytes(tombstone.hmac, sizeof tombstone.hmac);
    if (!pg_run(erasure->connection, &sql_select_tombstone, PG_PARAMS(hmac), &row, err))
        return false;
    if (PQntuples(row) == 1)
        return true;
    /* Others wait behind this one: it gives way to a transaction that takes long and comes again later. */
    return pg_begin(erasure->connection, err) &&
           pg_command(erasure->connection, "SET LOCAL lock_timeout = '3s'", err) &&
           pg_run(erasure->connection, &sql_lock_tombstones, PG_PARAMS(), NULL, err) &&
           pg_run(erasure->connection, &sql_insert_tombstone,
                  PG_PARAMS(hmac, pg_int((int64_t)tombstone.lookup_hash), pg_int((int64_t)tombstone.id_bytes)), NULL,
                  err) &&
           pg_commit(erasure->connection, err);
}

/* How far the erasure is; job->result holds it until the end. */
typedef struct Stage {
    int64_t pass, place, after;
    int64_t found; /* in this pass, of what proves */
} Stage;

static int64_t read_int(const json_t *object, const char *name, int64_t fallback)
{
    const json_t *value = json_object_get(object, name);
    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

static json_t *counts_json(const ErasureCounts *counts)
{
    return json_pack("{sI sI sI sI sI}", "dead_letters", (json_int_t)counts->dead_letters, "raw_batches",
                     (json_int_t)counts->payloads, "raw_messages", (json_int_t)counts->messages, "order_events",
                     (json_int_t)counts->order_events, "things", (json_int_t)counts->things);
}

static bool read_stage(Erasure *erasure, const json_t *result, Stage *ret_stage, Error *err)
{
    const json_t *counts = json_object_get(result, "erased");
    erasure->counts = (ErasureCounts){.dead_letters = read_int(counts, "dead_letters", 0),
                                      .payloads = read_int(counts, "raw_batches", 0),
                                      .messages = read_int(counts, "raw_messages", 0),
                                      .order_events = read_int(counts, "order_events", 0),
                                      .things = read_int(counts, "things", 0)};
    *ret_stage = (Stage){.pass = read_int(result, "pass", 1),
                         .after = read_int(result, "after", 0),
                         .found = read_int(result, "found", 0)};
    const char *place = json_string_value(json_object_get(result, "place"));
    for (int i = 0; place && i < PLACES_COUNT; i++) {
        if (strcmp(places[i].name, place) == 0)
            ret_stage->place = i;
    }
    erasure->letters_until = read_int(result, "letters_until", -1);
    erasure->batches_until = read_int(result, "batches_until", -1);
    if (erasure->batches_until >= 0)
        return true;
    PG_RESULT_SCOPED PGresult *row = NULL;
    if (!pg_run(erasure->connection, &sql_select_erasure_extent, PG_PARAMS(), &row, err))
        return false;
    erasure->letters_until = pg_get_int(row, 0, 0);
    erasure->batches_until = pg_get_int(row, 0, 1);
    return true;
}

/* In units of dead letters and batches looked at. */
static void measure(const Erasure *erasure, const Stage *stage, Job *job)
{
    int64_t extents[PLACES_COUNT] = {erasure->letters_until, erasure->batches_until, erasure->batches_until, 1};
    int64_t pass_total = 0, before = 0;
    for (int i = 0; i < PLACES_COUNT; i++) {
        before += i < stage->place ? extents[i] : 0;
        pass_total += extents[i];
    }
    int64_t passes = stage->pass > PASSES_MIN ? stage->pass : PASSES_MIN;
    int64_t here = stage->place < PLACES_COUNT ? MIN(stage->after, extents[stage->place]) : 0;
    job->done = (stage->pass - 1) * pass_total + before + here;
    job->total = passes * pass_total;
}

static bool report(const Erasure *erasure, const Stage *stage, Job *job, Error *err)
{
    measure(erasure, stage, job);
    json_object_clear(job->result);
    json_t *now =
        json_pack("{sI ss sI sI sI sI so}", "pass", (json_int_t)stage->pass, "place",
                  stage->place < PLACES_COUNT ? places[stage->place].name : "", "after", (json_int_t)stage->after,
                  "found", (json_int_t)stage->found, "letters_until", (json_int_t)erasure->letters_until,
                  "batches_until", (json_int_t)erasure->batches_until, "erased", counts_json(&erasure->counts));
    json_object_update(job->result, now);
    json_decref(now);
    return job_report(erasure->connection, job, err);
}

static void next_place(Stage *stage)
{
    stage->after = 0;
    if (++stage->place == PLACES_COUNT && (stage->pass < PASSES_MIN || stage->found > 0)) {
        stage->place = stage->found = 0;
        stage->pass++;
    }
}

/* One transaction. */
static bool search_on(Erasure *erasure, Stage *stage, Job *job, Error *err)
{
    const struct Place *place = &places[stage->place];
    bool end = stage->pass < place->first_pass;
    int64_t found = 0;
    if (!pg_begin(erasure->connection, err) || (!end && !place->search(erasure, &stage->after, &found, &end, err)))
        return false;
    if (place->proves)
        stage->found += found;
    if (end)
        next_place(stage);
    return report(erasure, stage, job, err) && pg_commit(erasure->connection, err);
}

static bool search_everywhere(Erasure *erasure, Job *job, Error *err)
{
    Stage stage;
    if (!read_stage(erasure, job->result, &stage, err))
        return false;
    while (stage.place < PLACES_COUNT) {
        if (workers_stopping())
            return error_set(err, ERROR_UNAVAILABLE, "the service is stopping; the job goes on after its start");
        if (stage.pass > PASSES_MAX)
            return error_set(err, ERROR_INTERNAL, "after %d passes something of the customer is still found",
                             PASSES_MAX);
        if (!search_on(erasure, &stage, job, err))
            return false;
    }
    return true;
}

/* What others keep for a while. */
static json_t *expiries(const Ingest *ingest)
{
    int64_t retention_ms;
    Error ignored; /* said as not known */
    json_t *until = NULL;
    const char *note = "the broker does not say how long the topic is kept; a replay of it is stripped";
    if (kafka_topic_retention(ingest->config.kafka_brokers, ingest->config.kafka_topic, KAFKA_DEADLINE_MS,
                              &retention_ms, &ignored)) {
        note = retention_ms < 0 ? "the topic is kept for ever; a replay of it is stripped"
                                : "by the topic's retention.ms; a replay of it is stripped";
        if (retention_ms >= 0)
            until = json_instant(clock_wall() + retention_ms * (INSTANT_PER_SECOND / 1000));
    }
    json_t *topic = json_pack("{ss+ so ss}", "where", "Kafka topic ", ingest->config.kafka_topic, "until",
                              until ? until : json_null(), "note", note);
    return json_pack("[o, {ss sn ss}, {ss sn ss}]", topic, "where", "Postgres: old versions of rows", "until", "note",
                     "until the next vacuum of the tables", "where", "Postgres: backups, archived WAL and standbys",
                     "until", "note", "as long as the operator keeps them; after a restore ask for the erasure again");
}

static bool finish(Erasure *erasure, const Ingest *ingest, Job *job, Error *err)
{
    const ErasureCounts *counts = &erasure->counts;
    bool found = counts->dead_letters + counts->messages + counts->order_events + counts->things > 0;
    json_object_clear(job->result);
    json_object_set_new(job->result, "found", json_boolean(found));
    json_object_set_new(job->result, "erased", counts_json(counts));
    json_object_set_new(job->result, "expires", expiries(ingest));
    job->done = job->total;
    PgParam id = pg_int(job->job_id);
    return pg_begin(erasure->connection, err) &&
           pg_run(erasure->connection, &sql_finish_erasure, PG_PARAMS(id), NULL, err) &&
           pg_run(erasure->connection, &sql_take_commit_lock, PG_PARAMS(), NULL, err) &&
           (!found || pg_run(erasure->connection, &sql_insert_erasure_batch, PG_PARAMS(id), NULL, err)) &&
           job_report(erasure->connection, job, err) && pg_commit(erasure->connection, err);
}

/* A file may hold the customer until the job that reads it has ended. What it brings is stripped. */
static bool wait_for_backfills(const Erasure *erasure, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    if (!pg_run(erasure->connection, &sql_has_backfills_before, PG_PARAMS(pg_int(erasure->job_id)), &row, err))
        return false;
    return !pg_get_bool(row, 0, 0) ||
           error_set(err, ERROR_UNAVAILABLE, "the erasure ends after the backfills that were asked for before it");
}

bool erasure_run(void *service, Job *job, Error *err)
{
    Ingest *ingest = service;
    PG_SCOPED PgConnection *connection = NULL;
    PG_RESULT_SCOPED PGresult *row = NULL;
    if (!pg_acquire(ingest->postgres, ACQUIRE_DEADLINE_MS, &connection, err) ||
        !pg_run(connection, &sql_select_erasure, PG_PARAMS(pg_int(job->job_id)), &row, err))
        return false;
    if (PQntuples(row) == 0)
        return error_set(err, ERROR_NOT_FOUND, "nobody knows whose data the job is to erase");
    if (pg_is_null(row, 0, 0)) /* an earlier attempt ended after its last transaction */
        return true;
    const char *customer_id = pg_get_text(row, 0, 0);
    Erasure erasure = {.customer_id = customer_id,
                       .id = {.id = customer_id, .length_bytes = strlen(customer_id)},
                       .connection = connection,
                       .job_id = job->job_id};
    erasure.ids = personal_ids_one(&erasure.id);
    return bury(&erasure, err) && search_everywhere(&erasure, job, err) && wait_for_backfills(&erasure, err) &&
           finish(&erasure, ingest, job, err);
}
