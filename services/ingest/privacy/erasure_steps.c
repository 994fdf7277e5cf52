#include "services/ingest/privacy/erasure_steps.h"

#include <stdlib.h>
#include <string.h>
#include "gen/ingest_sql.h"
#include "services/ingest/orders/raw_payload.h"
#include "services/ingest/privacy/order_strip.h"
#include "services/ingest/sql_array.h"

enum {
    LETTERS_LOOKED_AT = 5000, /* in one transaction */
    LETTERS_TAKEN = 50,
    PAYLOADS_LOOKED_AT = 32,
    EVENTS_LOOKED_AT = 500000,
    BATCHES_LOOKED_AT = 5000,
};

static const size_t PAYLOAD_LIMIT_BYTES = (size_t)1 << 30;
static const size_t COMPRESSED_LIMIT_BYTES = ((size_t)1 << 30) + ((size_t)1 << 24);

static int64_t affected(const PGresult *result)
{
    return strtoll(PQcmdTuples((PGresult *)(uintptr_t)result), NULL, 10);
}

static bool erase_letter(Erasure *erasure, const PGresult *rows, int row, Buffer *rest, int64_t *found, Error *err)
{
    size_t length_bytes;
    const char *payload = pg_get_bytes(rows, row, 2, &length_bytes);
    StripOutcome outcome = order_strip(&erasure->ids, payload, length_bytes, rest);
    if (outcome == STRIP_NOTHING)
        return true;
    (*found)++;
    erasure->counts.dead_letters++;
    return buffer_ok(rest, err) &&
           pg_run(erasure->connection, &sql_erase_dead_letter,
                  PG_PARAMS(pg_int(pg_get_int(rows, row, 0)),
                            pg_bytes(outcome == STRIP_REWRITTEN ? rest->data : "",
                                     outcome == STRIP_REWRITTEN ? rest->length_bytes : 0)),
                  NULL, err) &&
           pg_run(erasure->connection, &sql_note_erasure_batch,
                  PG_PARAMS(pg_int(erasure->job_id), pg_int(pg_get_int(rows, row, 1))), NULL, err);
}

bool erasure_search_dead_letters(Erasure *erasure, int64_t *after, int64_t *ret_found, bool *ret_end, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    int64_t until = *after + LETTERS_LOOKED_AT;
    if (!pg_run(erasure->connection, &sql_select_letters_to_search,
                PG_PARAMS(pg_int(*after), pg_int(until), pg_bytes(erasure->id.id, erasure->id.length_bytes),
                          pg_int(LETTERS_TAKEN)),
                &rows, err))
        return false;
    int count = PQntuples(rows);
    BUFFER_SCOPED Buffer rest;
    buffer_init(&rest, PAYLOAD_LIMIT_BYTES);
    *ret_found = 0;
    for (int row = 0; row < count; row++) {
        if (!erase_letter(erasure, rows, row, &rest, ret_found, err))
            return false;
    }
    *after = count == LETTERS_TAKEN ? pg_get_int(rows, count - 1, 0) : until;
    *ret_end = *after >= erasure->letters_until;
    return true;
}

static int compare_hashes(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Customers of the payload as a Postgres array, in the arena. */
static const char *gather_customers(const Buffer *payload, size_t messages, Arena *arena)
{
    uint64_t *hashes = arena_array(arena, messages + 1, sizeof *hashes);
    size_t count = 0, different = 0;
    RawMessage message;
    for (size_t at = 0; raw_payload_next(payload, &at, &message);)
        count += order_names_customer(message.data, message.length_bytes, &hashes[count]);
    qsort(hashes, count, sizeof *hashes, compare_hashes);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || hashes[i] != hashes[i - 1])
            hashes[different++] = hashes[i];
    }
    return SQL_ARRAY(arena, different, "%lld", (long long)hashes[i]);
}

/* Copies the payload without what is the customer's; returns how many messages were rewritten. */
static int64_t strip_payload(const Erasure *erasure, const Buffer *payload, Buffer *stripped, size_t *ret_messages)
{
    int64_t rewritten = 0;
    size_t messages = 0;
    BUFFER_SCOPED Buffer rest;
    buffer_init(&rest, PAYLOAD_LIMIT_BYTES);
    RawMessage message;
    for (size_t at = 0; raw_payload_next(payload, &at, &message); messages++) {
        StripOutcome outcome = order_strip(&erasure->ids, message.data, message.length_bytes, &rest);
        if (outcome != STRIP_NOTHING) {
            rewritten++;
            message.data = rest.data;
            message.length_bytes = outcome == STRIP_REWRITTEN ? rest.length_bytes : 0;
        }
        raw_payload_append(stripped, message.partition, message.offset, message.data, message.length_bytes);
    }
    *ret_messages = messages;
    return rewritten;
}

static bool store_payload(Erasure *erasure, int64_t batch_id, const char *received_on, const Buffer *payload,
                          size_t messages, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    BUFFER_SCOPED Buffer compressed;
    buffer_init(&compressed, COMPRESSED_LIMIT_BYTES);
    return buffer_ok(payload, err) && raw_payload_compress(payload, &compressed, err) &&
           pg_run(erasure->connection, &sql_rewrite_payload,
                  PG_PARAMS(pg_int(batch_id), pg_text(received_on), pg_bytes(compressed.data, compressed.length_bytes),
                            pg_int((int64_t)payload->length_bytes),
                            pg_text(gather_customers(payload, messages, arena))),
                  NULL, err) &&
           pg_run(erasure->connection, &sql_note_erasure_batch, PG_PARAMS(pg_int(erasure->job_id), pg_int(batch_id)),
                  NULL, err);
}

static bool search_payload(Erasure *erasure, int64_t batch_id, const char *received_on, int64_t *found, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    if (!pg_run(erasure->connection, &sql_lock_payload, PG_PARAMS(pg_int(batch_id), pg_text(received_on)), &row, err))
        return false;
    if (PQntuples(row) == 0)
        return true;
    size_t compressed_bytes, messages;
    const void *compressed = pg_get_bytes(row, 0, 0, &compressed_bytes);
    BUFFER_SCOPED Buffer payload, stripped;
    buffer_init(&payload, PAYLOAD_LIMIT_BYTES);
    buffer_init(&stripped, PAYLOAD_LIMIT_BYTES);
    if (!raw_payload_expand(compressed, compressed_bytes, &payload, err))
        return error_set(err, ERROR_INTERNAL, "the payload of batch %lld can't be read", (long long)batch_id);
    int64_t rewritten = strip_payload(erasure, &payload, &stripped, &messages);
    if (rewritten == 0)
        return true;
    *found += rewritten;
    erasure->counts.payloads++;
    erasure->counts.messages += rewritten;
    return store_payload(erasure, batch_id, received_on, &stripped, messages, err);
}

static bool forget_in_batches(Erasure *erasure, int64_t first, int64_t last, int64_t *found, Error *err)
{
    PG_RESULT_SCOPED PGresult *result = NULL;
    if (!pg_run(erasure->connection, &sql_erase_customer_of_batches,
                PG_PARAMS(pg_int(first), pg_int(last), pg_text(erasure->customer_id)), &result, err))
        return false;
    *found += affected(result);
    erasure->counts.order_events += affected(result);
    return true;
}

/* Looks at the index of a few batches and rewrites the first of them that needs it, so that a transaction holds no more
 * than one. */
bool erasure_search_payloads(Erasure *erasure, int64_t *after, int64_t *ret_found, bool *ret_end, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    OrderText id = {.data = erasure->customer_id, .length_bytes = (uint32_t)erasure->id.length_bytes};
    if (!pg_run(erasure->connection, &sql_select_payloads_to_search,
                PG_PARAMS(pg_int(*after), pg_int((int64_t)order_customer_hash(id)), pg_int(erasure->job_id),
                          pg_int(PAYLOADS_LOOKED_AT)),
                &rows, err))
        return false;
    int count = PQntuples(rows);
    *ret_found = 0;
    *ret_end = count < PAYLOADS_LOOKED_AT;
    for (int row = 0; row < count; row++) {
        *after = pg_get_int(rows, row, 0);
        if (!pg_get_bool(rows, row, 2))
            continue;
        *ret_end = *ret_end && row == count - 1;
        return search_payload(erasure, *after, pg_get_text(rows, row, 1), ret_found, err) &&
               forget_in_batches(erasure, *after, *after, ret_found, err);
    }
    return true;
}

/* All of them: those whose payload is gone can't be found otherwise. */
bool erasure_search_order_events(Erasure *erasure, int64_t *after, int64_t *ret_found, bool *ret_end, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    if (!pg_run(erasure->connection, &sql_select_batch_chunk,
                PG_PARAMS(pg_int(*after), pg_int(EVENTS_LOOKED_AT), pg_int(BATCHES_LOOKED_AT)), &row, err))
        return false;
    *ret_found = 0;
    *ret_end = PQntuples(row) == 0;
    if (*ret_end)
        return true;
    int64_t last = pg_get_int(row, 0, 0);
    if (!forget_in_batches(erasure, *after + 1, last, ret_found, err))
        return false;
    *after = last;
    *ret_end = last >= erasure->batches_until;
    return true;
}

/* Customers have few things: one statement for all of them. */
bool erasure_search_things(Erasure *erasure, int64_t *after, int64_t *ret_found, bool *ret_end, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    if (!pg_run(erasure->connection, &sql_erase_things, PG_PARAMS(pg_text(erasure->customer_id)), &row, err))
        return false;
    *ret_found = pg_get_int(row, 0, 0);
    *after = 1;
    *ret_end = true;
    erasure->counts.things += *ret_found;
    return true;
}
