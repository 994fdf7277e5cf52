/* What is known of a database of the company's that is read: kept by the workers that read it, told by GET /sources.
 * Thread-safe. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include "common/json.h"
#include "services/ingest/entities/entity_store.h"

typedef enum SourceState {
    SOURCE_NOT_CONFIGURED,
    SOURCE_DISCONNECTED, /* its problem says why */
    SOURCE_STANDBY,      /* another ingest process reads it */
    SOURCE_SNAPSHOT,     /* being read as a whole */
    SOURCE_CATCHING_UP,  /* what changed meanwhile is being read */
    SOURCE_CONNECTED,    /* all that is known to have changed is recorded */
} SourceState;

enum { SOURCE_PROBLEM_MAX_BYTES = 1024, SOURCE_POSITION_MAX_BYTES = 128 };

typedef struct SourceStatus {
    pthread_mutex_t mutex;
    /* Asked for by POST /sources/{name}/sync; whoever reads the source takes them with atomic_exchange(). */
    atomic_bool sync_wanted, snapshot_wanted, deletes_accepted;

    /* The rest under the mutex. */
    SourceState state;
    const char *mode;                         /* "stream", "watermark", ...; static; NULL: not known yet */
    char position[SOURCE_POSITION_MAX_BYTES]; /* empty: none */
    char reading_problem[SOURCE_PROBLEM_MAX_BYTES];
    char watch_problem[SOURCE_PROBLEM_MAX_BYTES]; /* what whoever watches over it has to say */
    int64_t lag_bytes, retained_bytes;            /* -1: not known */
    Instant last_change_at;                       /* source's time of the newest change recorded; INSTANT_NONE */
    Instant synced_at;                            /* when all there was had last been recorded; INSTANT_NONE */
    int64_t snapshot_tables, snapshot_tables_done, snapshot_rows; /* of the running or the last one */
    int64_t changes, recorded, unchanged, quarantined;            /* since this process started */
    json_t *details; /* an object with what only this kind of source has; NULL: nothing */
} SourceStatus;

void source_status_init(SourceStatus *status, SourceState state);
void source_status_fini(SourceStatus *status);

void source_status_set_state(SourceStatus *status, SourceState state, const char *mode);
void source_status_set_position(SourceStatus *status, const char *position);
/* NULL or an empty text: there is none. */
void source_status_set_problem(SourceStatus *status, const char *problem);
void source_status_set_watch(SourceStatus *status, const char *problem, int64_t lag_bytes, int64_t retained_bytes);
void source_status_begin_snapshot(SourceStatus *status, int64_t tables);
void source_status_add_snapshot(SourceStatus *status, int64_t tables, int64_t rows);
/* Members that are told beside the others; steals the reference. */
void source_status_set_details(SourceStatus *status, json_t *details);
/* Counts what a batch did; `changed_at` is the newest of its changes, INSTANT_NONE if none. */
void source_status_add_result(SourceStatus *status, const EntityResult *result, Instant changed_at);

/* Wants the source to be looked at now, or to be read as a whole; with `accept_deletes` a key sweep may delete any
 * number of rows once. CONFLICT when it is not configured, or another process reads it. */
bool source_status_ask(SourceStatus *status, bool snapshot, bool accept_deletes, Error *err) MUST_CHECK;

/* {"name", "kind", "state", "problem", ...}; the caller owns it. */
json_t *source_status_json(SourceStatus *status, const char *name, const char *kind);
