#include "services/ingest/sql_source/replication.h"

#include <endian.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/clock.h"

enum {
    DATA_HEADER_BYTES = 25, /* 'w', start, end of the log, time */
    KEEPALIVE_BYTES = 18,   /* 'k', end of the log, time, whether an answer is wanted */
    STATUS_BYTES = 34,      /* 'r', written, flushed, applied, time, whether an answer is wanted */
    LOG_END_OFFSET = 1,     /* in a keepalive */
    ANSWER_WANTED_OFFSET = 17,
    CONFIRM_EVERY_MS = 1000,
};

static const Instant postgres_epoch = INT64_C(946684800) * INSTANT_PER_SECOND;

struct Replication {
    SourceConnection connection;
    char *message; /* libpq's */
    _Atomic Lsn flushed;

    pthread_mutex_t mutex; /* of the connection while it streams */
    pthread_cond_t ended_changed;
    bool has_heartbeat, ended;
    int64_t told_at_ms; /* under the mutex: when the server heard of us last */
    pthread_t heartbeat;
};

static uint64_t get_number(const char *data)
{
    uint64_t number;
    memcpy(&number, data, sizeof number);
    return be64toh(number);
}

static void put_number(char *data, uint64_t number)
{
    number = htobe64(number);
    memcpy(data, &number, sizeof number);
}

/* Tells how far we are; under the mutex. A failure is seen when receiving. */
static void tell(Replication *replication)
{
    char status[STATUS_BYTES] = {'r'};
    Lsn flushed = atomic_load(&replication->flushed);
    for (size_t i = 0; i < 3; i++)
        put_number(status + 1 + 8 * i, flushed);
    put_number(status + 25, (uint64_t)(clock_wall() - postgres_epoch));
    if (PQputCopyData(replication->connection.handle, status, sizeof status) == 1)
        (void)PQflush(replication->connection.handle);
    replication->told_at_ms = clock_monotonic_ms();
}

static void *beat(void *argument)
{
    Replication *replication = argument;
    pthread_mutex_lock(&replication->mutex);
    while (!replication->ended) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += REPLICATION_HEARTBEAT_MS / 1000;
        if (pthread_cond_timedwait(&replication->ended_changed, &replication->mutex, &until) != 0 &&
            !replication->ended)
            tell(replication);
    }
    pthread_mutex_unlock(&replication->mutex);
    return NULL;
}

bool replication_open(const char *conninfo, Replication **ret_replication, Error *err)
{
    Replication *replication = calloc(1, sizeof *replication);
    if (replication == NULL)
        abort();
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&replication->mutex, NULL);
    pthread_cond_init(&replication->ended_changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (!source_connect(&replication->connection, conninfo, true, err)) {
        replication_close(replication);
        return false;
    }
    *ret_replication = replication;
    return true;
}

void replication_close(Replication *replication)
{
    if (replication == NULL)
        return;
    if (replication->has_heartbeat) {
        pthread_mutex_lock(&replication->mutex);
        replication->ended = true;
        tell(replication);
        pthread_cond_signal(&replication->ended_changed);
        pthread_mutex_unlock(&replication->mutex);
        pthread_join(replication->heartbeat, NULL);
    }
    PQfreemem(replication->message);
    source_close(&replication->connection);
    pthread_cond_destroy(&replication->ended_changed);
    pthread_mutex_destroy(&replication->mutex);
    free(replication);
}

bool replication_identify(Replication *replication, char ret_system[REPLICATION_SYSTEM_MAX_BYTES], Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!source_command(&replication->connection, "IDENTIFY_SYSTEM", SOURCE_QUERY_DEADLINE_MS, &rows, err))
        return false;
    snprintf(ret_system, REPLICATION_SYSTEM_MAX_BYTES, "%s", PQgetvalue(rows, 0, 0));
    return true;
}

/* Names of slots and publications are checked when the configuration is read. */
bool replication_create_slot(Replication *replication, const char *slot, Lsn *ret_lsn,
                             char ret_snapshot[REPLICATION_SNAPSHOT_MAX_BYTES], Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    char command[160];
    snprintf(command, sizeof command, "CREATE_REPLICATION_SLOT \"%s\" LOGICAL pgoutput (SNAPSHOT 'export')", slot);
    /* The server waits for transactions that are open now. */
    if (!source_command(&replication->connection, command, SOURCE_SCAN_DEADLINE_MS, &rows, err))
        return error_prefix(err, "can't make replication slot %s", slot);
    const char *lsn = source_text(rows, 0, 1), *snapshot = source_text(rows, 0, 2);
    if (lsn == NULL || snapshot == NULL || !lsn_parse(lsn, ret_lsn, NULL))
        return error_set(err, ERROR_UPSTREAM, "source: replication slot %s was made without a snapshot", slot);
    snprintf(ret_snapshot, REPLICATION_SNAPSHOT_MAX_BYTES, "%s", snapshot);
    return true;
}

bool replication_drop_slot(Replication *replication, const char *slot, Error *err)
{
    char command[128];
    snprintf(command, sizeof command, "DROP_REPLICATION_SLOT \"%s\"", slot);
    return source_command(&replication->connection, command, SOURCE_QUERY_DEADLINE_MS, NULL, err);
}

bool replication_start(Replication *replication, const char *slot, const char *publication, Lsn from, Error *err)
{
    PG_RESULT_SCOPED PGresult *result = NULL;
    char command[256], lsn[LSN_TEXT_MAX];
    lsn_format(from, lsn);
    atomic_store(&replication->flushed, from);
    snprintf(command, sizeof command,
             "START_REPLICATION SLOT \"%s\" LOGICAL %s (proto_version '1', publication_names '\"%s\"')", slot, lsn,
             publication);
    if (!source_command(&replication->connection, command, SOURCE_QUERY_DEADLINE_MS, &result, err))
        return error_prefix(err, "can't read replication slot %s", slot);
    if (PQresultStatus(result) != PGRES_COPY_BOTH || PQsetnonblocking(replication->connection.handle, 1) != 0)
        return error_set(err, ERROR_UPSTREAM, "source: replication did not start");
    replication->has_heartbeat = pthread_create(&replication->heartbeat, NULL, beat, replication) == 0;
    return replication->has_heartbeat || error_set(err, ERROR_INTERNAL, "can't start a thread");
}

/* Why the server ended the stream. */
static bool fail_stream(Replication *replication, Error *err)
{
    PG_RESULT_SCOPED PGresult *result = PQgetResult(replication->connection.handle);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (message != NULL)
        return error_set(err, ERROR_UNAVAILABLE, "source: the change stream ended: %.300s", message);
    return source_fail(&replication->connection, "the change stream ended", err);
}

/* What there is without waiting, under the mutex; *ret_data stays empty when nothing is of interest. */
static bool take(Replication *replication, ReplicationData *ret_data, bool *ret_taken, Error *err)
{
    PGconn *handle = replication->connection.handle;
    PQfreemem(replication->message);
    replication->message = NULL;
    int length = PQgetCopyData(handle, &replication->message, 1);
    if (length == 0) {
        if (PQconsumeInput(handle) == 0)
            return fail_stream(replication, err);
        length = PQgetCopyData(handle, &replication->message, 1);
    }
    *ret_taken = length > 0;
    if (length < 0)
        return fail_stream(replication, err);
    const char *message = replication->message;
    if (length > DATA_HEADER_BYTES && message[0] == 'w') {
        *ret_data =
            (ReplicationData){.data = message + DATA_HEADER_BYTES, .length_bytes = (size_t)length - DATA_HEADER_BYTES};
    } else if (length >= KEEPALIVE_BYTES && message[0] == 'k') {
        ret_data->log_end = get_number(message + LOG_END_OFFSET);
        if (message[ANSWER_WANTED_OFFSET] != 0)
            tell(replication);
    }
    return true;
}

bool replication_receive(Replication *replication, int wait_ms, ReplicationData *ret_data, Error *err)
{
    ReplicationData data = {0};
    bool taken = false;
    pthread_mutex_lock(&replication->mutex);
    bool ok = take(replication, &data, &taken, err);
    if (ok && clock_monotonic_ms() - replication->told_at_ms > CONFIRM_EVERY_MS)
        tell(replication);
    pthread_mutex_unlock(&replication->mutex);
    if (ok && !taken && wait_ms > 0) {
        if (!source_poll(&replication->connection, wait_ms, err))
            return false;
        pthread_mutex_lock(&replication->mutex);
        ok = take(replication, &data, &taken, err);
        pthread_mutex_unlock(&replication->mutex);
    }
    if (ok)
        *ret_data = data;
    return ok;
}

void replication_confirm(Replication *replication, Lsn flushed)
{
    atomic_store(&replication->flushed, flushed);
}
