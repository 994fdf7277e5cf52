#include "services/ingest/sql_source/sql_source.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/clock.h"
#include "common/log.h"
#include "common/metrics.h"
#include "gen/ingest_sql.h"
#include "services/ingest/sql_source/change_stream.h"
#include "services/ingest/sql_source/replication.h"
#include "services/ingest/sql_source/snapshot.h"
#include "services/ingest/sql_source/watermark_reader.h"
#include "services/ingest/text_hash.h"

enum {
    ACQUIRE_DEADLINE_MS = 5000,
    STANDBY_LOOK_EVERY_MS = 2000,
    WATCH_EVERY_MS = 5000,
    SLOT_NAME_MAX_BYTES = 63,
    SYNC_POLL_MS = 1000,
};

static const char *const mode_names[] = {"auto", "stream", "watermark", NULL};

static Metric slot_lag = {.kind = METRIC_GAUGE,
                          .name = "rushcast_ingest_sql_slot_lag_bytes",
                          .help = "Log that the company's database keeps on its disk for our replication slot"};
static Metric stream_lag = {.kind = METRIC_GAUGE,
                            .name = "rushcast_ingest_sql_lag_bytes",
                            .help = "Log of the company's database that was not recorded yet"};
static Metric snapshots_total = {.kind = METRIC_COUNTER,
                                 .name = "rushcast_ingest_sql_snapshots_total",
                                 .help = "Snapshots of the company's database that were completed"};

struct SqlSource {
    SqlSourceOptions options;
    SqlSourceMode mode;
    _Atomic Lsn reached; /* all before is recorded; 0: not known */
    int64_t swept_at_ms; /* 0: not since this process started */
    char sweep_problem[SOURCE_PROBLEM_MAX_BYTES];
    SourceConnection watch; /* the watching worker's */
    bool warned;
};

/* Where the stream was recorded to, and what the snapshot before it was made of. */
typedef struct Session {
    SqlSource *source;
    SqlReader reader;
    Replication *replication;
    char system[REPLICATION_SYSTEM_MAX_BYTES];
    uint64_t fingerprint; /* of the tables and columns that are read */
    char snapshot_position[SQL_POSITION_MAX_BYTES], stream_position[SQL_POSITION_MAX_BYTES];
} Session;

static bool is_slot_name(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length <= SLOT_NAME_MAX_BYTES &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

bool sql_source_new(const SqlSourceOptions *options, SqlSource **ret_source, Error *err)
{
    size_t mode = 0;
    while (mode_names[mode] != NULL && strcmp(mode_names[mode], options->mode) != 0)
        mode++;
    if (mode_names[mode] == NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT,
                         "RUSHCAST_SOURCE_SQL_MODE is \"%.60s\"; auto, stream and watermark are allowed",
                         options->mode);
    if (!is_slot_name(options->slot))
        return error_set(err, ERROR_INVALID_ARGUMENT,
                         "RUSHCAST_SOURCE_SQL_SLOT is \"%.80s\"; up to %d small letters, digits and _ are allowed",
                         options->slot, SLOT_NAME_MAX_BYTES);
    SqlSource *source = calloc(1, sizeof *source);
    if (source == NULL)
        abort();
    source->options = *options;
    source->mode = (SqlSourceMode)mode;
    source_status_set_state(options->status, SOURCE_DISCONNECTED, NULL);
    *ret_source = source;
    return true;
}

void sql_source_free(SqlSource *source)
{
    if (source == NULL)
        return;
    source_close(&source->watch);
    free(source);
}

static uint64_t fingerprint(const SourceCatalog *catalog)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < catalog->count; i++) {
        const SourceTable *table = &catalog->tables[i];
        if (!table->is_published)
            continue;
        hash = text_hash(table->entity->name, strlen(table->entity->name), hash);
        hash = text_hash(table->entity->from, strlen(table->entity->from), hash);
        for (size_t k = 0; k < table->entity->columns_count; k++) {
            const EntityColumn *column = &table->entity->columns[k];
            hash = text_hash(column->name, strlen(column->name), hash);
            hash = text_hash(column->from, strlen(column->from), hash + (uint64_t)column->type);
        }
    }
    return hash;
}

/* "done 0/16B3748 7312345678901234567 89abcdef01234567": where the snapshot was made, of which server and tables. */
static void format_snapshot(const Session *session, const char *state, Lsn lsn, char out[SQL_POSITION_MAX_BYTES])
{
    char text[LSN_TEXT_MAX];
    lsn_format(lsn, text);
    snprintf(out, SQL_POSITION_MAX_BYTES, "%s %s %s %016" PRIx64, state, text, session->system, session->fingerprint);
}

/* Why the stream can't go on where it was left; NULL: it can. */
static const char *find_gap(const Session *session, const SourceSlot *slot)
{
    char state[16], system[REPLICATION_SYSTEM_MAX_BYTES];
    uint64_t tables;
    StreamPosition position;
    if (sscanf(session->snapshot_position, "%15s %*s %23s %" SCNx64, state, system, &tables) != 3 ||
        strcmp(state, "done") != 0 || !stream_position_parse(session->stream_position, &position))
        return "no snapshot was completed before";
    if (strcmp(system, session->system) != 0)
        return "it is another server than before";
    if (tables != session->fingerprint)
        return "the tables or columns to be read are others than before";
    if (!slot->exists)
        return "the replication slot is gone";
    if (slot->is_lost)
        return "the replication slot was lost: the source had thrown away log that was not read yet";
    if (slot->confirmed > position.complete || slot->log_end < position.complete)
        return "the replication slot is not the one that was read before";
    return NULL;
}

static bool check_slot_is_ours(const SqlSource *source, const SourceSlot *slot, Error *err)
{
    if (slot->exists && !slot->is_ours && !slot->is_lost)
        return error_set(err, ERROR_CONFLICT,
                         "replication slot %s is of another database or plugin; RUSHCAST_SOURCE_SQL_SLOT names another",
                         source->options.slot);
    return true;
}

static bool open_snapshot(Session *session, const char *snapshot, Error *err)
{
    char command[160];
    snprintf(command, sizeof command,
             "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '%s'", snapshot);
    return source_command(&session->reader.source, command, SOURCE_QUERY_DEADLINE_MS, NULL, err);
}

/* Makes the slot anew and reads all tables as they were at that moment. After a failure the next session begins again.
 */
static bool make_snapshot(Session *session, const SourceSlot *slot, const char **ret_problem, Error *err)
{
    SqlReader *reader = &session->reader;
    const char *name = session->source->options.slot;
    char snapshot[REPLICATION_SNAPSHOT_MAX_BYTES], begun[SQL_POSITION_MAX_BYTES], done[SQL_POSITION_MAX_BYTES];
    StreamPosition start = {0};
    char start_text[STREAM_POSITION_TEXT_MAX];
    source_status_set_state(reader->status, SOURCE_SNAPSHOT, "stream");
    if (slot->exists && !replication_drop_slot(session->replication, name, err))
        return error_prefix(err, "can't drop replication slot %s", name);
    if (!replication_create_slot(session->replication, name, &start.complete, snapshot, err) ||
        !open_snapshot(session, snapshot, err))
        return false;
    format_snapshot(session, "begun", start.complete, begun);
    format_snapshot(session, "done", start.complete, done);
    stream_position_format(&start, start_text);
    if (!sql_reader_write(reader, snapshot_stream, session->snapshot_position, begun, err) ||
        !snapshot_copy(reader, begun, session->snapshot_position, ret_problem, err) ||
        !source_command(&reader->source, "COMMIT", SOURCE_QUERY_DEADLINE_MS, NULL, err) ||
        !sql_reader_write(reader, change_stream, session->stream_position, start_text, err) ||
        !sql_reader_write(reader, snapshot_stream, session->snapshot_position, done, err))
        return false;
    atomic_store(&reader->status->deletes_accepted, false);
    metric_add(metric_with(&snapshots_total), 1);
    return true;
}

static bool ensure_snapshot(Session *session, const SourceSlot *slot, const char **ret_problem, Error *err)
{
    const char *reason = find_gap(session, slot);
    *ret_problem = NULL;
    if (atomic_exchange(&session->reader.status->snapshot_wanted, false))
        reason = "it was asked for";
    if (reason == NULL)
        return true;
    log_info("sql_source.snapshot_begun", log_text("why", reason));
    int64_t begun_ms = clock_monotonic_ms();
    if (!make_snapshot(session, slot, ret_problem, err))
        return false;
    log_info("sql_source.snapshot_done", log_int("rows", session->reader.status->snapshot_rows),
             log_int("ms", clock_monotonic_ms() - begun_ms), log_text("position", session->stream_position),
             log_text("problem", *ret_problem));
    return true;
}

static const char *join_problems(Arena *arena, const char *first, const char *second)
{
    if (first == NULL || *first == '\0')
        return second;
    return second == NULL || *second == '\0' ? first : arena_printf(arena, "%s; %s", first, second);
}

static bool stream_session(Session *session, Error *err)
{
    SqlSource *source = session->source;
    SqlReader *reader = &session->reader;
    const SqlSourceOptions *options = &source->options;
    SourceSlot slot;
    const char *problem;
    if (!sql_reader_position(reader, snapshot_stream, session->snapshot_position, err) ||
        !sql_reader_position(reader, change_stream, session->stream_position, err) ||
        !replication_identify(session->replication, session->system, err) ||
        !source_slot_read(&reader->source, options->slot, &slot, err) || !check_slot_is_ours(source, &slot, err))
        return false;
    session->fingerprint = fingerprint(&reader->catalog);
    if (!ensure_snapshot(session, &slot, &problem, err) ||
        !source_slot_read(&reader->source, options->slot, &slot, err))
        return false;
    problem = join_problems(reader->arena, source_catalog_problems(&reader->catalog, true, reader->arena), problem);
    StreamPosition from;
    if (!stream_position_parse(session->stream_position, &from))
        return error_set(err, ERROR_INTERNAL, "position \"%.100s\" can't be read", session->stream_position);
    if (!replication_start(session->replication, options->slot, options->slot, from.complete, err))
        return false;
    source_status_set_state(reader->status, SOURCE_CATCHING_UP, "stream");
    source_status_set_problem(reader->status, problem);
    ChangeStreamOptions follow = {.replication = session->replication,
                                  .caught_up_at = slot.log_end,
                                  .batch_wait_ms = options->batch_wait_ms,
                                  .reached = &source->reached};
    return change_stream_follow(reader, &follow, session->stream_position, err);
}

/* A slot that nobody reads any more would fill the source's disk. */
static bool drop_unused_slot(Session *session, const char **ret_problem, Error *err)
{
    SqlReader *reader = &session->reader;
    const char *name = session->source->options.slot;
    SourceSlot slot;
    *ret_problem = NULL;
    if (!source_slot_read(&reader->source, name, &slot, err))
        return false;
    if (!slot.exists || !slot.is_ours)
        return true;
    Error failed;
    if (source_run(&reader->source, &sql_drop_source_slot, &name, 1, NULL, &failed)) {
        log_info("sql_source.slot_dropped", log_text("slot", name));
        return true;
    }
    *ret_problem =
        arena_printf(reader->arena, "replication slot %s is not needed and can't be dropped: %s", name, failed.message);
    return reader->source.state[0] != '\0' || error_set(err, failed.code, "%s", failed.message);
}

static bool watermark_session(Session *session, const char *why, WorkerStep *step, Error *err)
{
    SqlSource *source = session->source;
    SqlReader *reader = &session->reader;
    const SqlSourceOptions *options = &source->options;
    const char *problem, *unread, *swept;
    int64_t now_ms = clock_monotonic_ms();
    bool synced = atomic_exchange(&reader->status->sync_wanted, false);
    WatermarkOptions poll = {
        .overlap_s = options->overlap_s,
        .read_whole = atomic_exchange(&reader->status->snapshot_wanted, false),
        .with_sweep = synced || source->swept_at_ms == 0 || now_ms - source->swept_at_ms >= options->sweep_s * 1000,
    };
    if (!drop_unused_slot(session, &problem, err) || !watermark_poll(reader, &poll, &unread, &swept, err))
        return false;
    if (poll.with_sweep) {
        source->swept_at_ms = now_ms;
        snprintf(source->sweep_problem, sizeof source->sweep_problem, "%s", swept == NULL ? "" : swept);
        atomic_store(&reader->status->deletes_accepted, false);
    }
    problem = join_problems(reader->arena, why, problem);
    problem = join_problems(reader->arena, problem, source_catalog_problems(&reader->catalog, false, reader->arena));
    problem = join_problems(reader->arena, problem, unread);
    problem = join_problems(reader->arena, problem, source->sweep_problem);
    source_status_set_problem(reader->status, problem);
    source_status_set_state(reader->status, SOURCE_CONNECTED, "watermark");
    step->rest_ms = (int)(options->poll_s * 1000);
    return true;
}

/* Whether changes can be streamed; *ret_why says why not. */
static bool prepare_stream(Session *session, bool *ret_can, const char **ret_why, Error *err)
{
    SqlSource *source = session->source;
    SqlReader *reader = &session->reader;
    bool changed;
    Error failed;
    *ret_can = false;
    *ret_why = reader->catalog.stream_problem;
    if (*ret_why != NULL)
        return true;
    if (!source_catalog_publish(&reader->source, &reader->catalog, source->options.slot, reader->arena, &changed,
                                &failed)) {
        *ret_why = arena_strdup(reader->arena, failed.message);
        return failed.code == ERROR_FORBIDDEN || error_set(err, failed.code, "%s", failed.message);
    }
    if (changed)
        log_info("sql_source.published", log_text("publication", source->options.slot));
    if (replication_open(source->options.conninfo, &session->replication, &failed)) {
        *ret_can = true;
        return true;
    }
    *ret_why = arena_strdup(reader->arena, failed.message);
    return true;
}

static bool read_source(Session *session, WorkerStep *step, Error *err)
{
    SqlSource *source = session->source;
    SqlReader *reader = &session->reader;
    bool can = false;
    const char *why = NULL;
    EntityResult retried; /* by the rules of this mapping */
    if (!source_connect(&reader->source, source->options.conninfo, false, err) ||
        !entity_tables_ensure(reader->warehouse, reader->mapping, err) ||
        !entity_store_retry_quarantine(reader->warehouse, reader->mapping, reader->locate, reader->locate_context,
                                       &retried, err) ||
        !source_catalog_read(&reader->source, reader->mapping, reader->arena, &reader->catalog, err))
        return false;
    if (source->mode != SQL_SOURCE_WATERMARK && !prepare_stream(session, &can, &why, err))
        return false;
    if (can)
        return stream_session(session, err);
    if (source->mode == SQL_SOURCE_STREAM)
        return error_set(err, ERROR_FORBIDDEN, "changes can't be streamed: %s", why);
    return watermark_session(session, why, step, err);
}

static bool run_session(SqlSource *source, PgConnection *warehouse, WorkerStep *step, Error *err)
{
    Session session = {.source = source};
    sql_reader_init(&session.reader, source->options.mapping, source->options.status);
    session.reader.warehouse = warehouse;
    session.reader.locate = source->options.locate;
    session.reader.locate_context = source->options.locate_context;
    session.reader.sweep_max_share = source->options.sweep_max_share;
    bool ok = read_source(&session, step, err);
    replication_close(session.replication);
    sql_reader_fini(&session.reader);
    return ok;
}

static bool take_lock(PgConnection *warehouse, const char *source, bool *ret_taken, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!pg_run(warehouse, &sql_try_source_lock, PG_PARAMS(pg_text(source)), &rows, err))
        return false;
    *ret_taken = pg_get_bool(rows, 0, 0);
    return true;
}

bool sql_source_step(SqlSource *source, WorkerStep *step, Error *err)
{
    const SqlSourceOptions *options = &source->options;
    PG_SCOPED PgConnection *warehouse = NULL;
    bool taken;
    if (!pg_acquire(options->pool, ACQUIRE_DEADLINE_MS, &warehouse, err) ||
        !take_lock(warehouse, options->mapping->source, &taken, err))
        return false;
    if (!taken) {
        source_status_set_state(options->status, SOURCE_STANDBY, NULL);
        source_status_set_problem(options->status, NULL);
        step->rest_ms = STANDBY_LOOK_EVERY_MS;
        return true;
    }
    bool ok = run_session(source, warehouse, step, err);
    if (!ok) {
        source_status_set_state(options->status, SOURCE_DISCONNECTED, NULL);
        source_status_set_problem(options->status, err->message);
    }
    /* A lock that can't be given back ends with its connection. */
    pg_rollback(warehouse);
    Error ignored;
    if (!pg_run(warehouse, &sql_release_source_lock, PG_PARAMS(pg_text(options->mapping->source)), NULL, &ignored))
        pg_discard(warehouse);
    return ok;
}

static const char *judge_slot(const SqlSource *source, const SourceSlot *slot, char out[SOURCE_PROBLEM_MAX_BYTES])
{
    const SqlSourceOptions *options = &source->options;
    int64_t limit = options->lag_warn_mbytes << 20;
    if (slot->keep_bytes >= 0 && (double)slot->keep_bytes * options->lag_warn_share < (double)limit)
        limit = (int64_t)((double)slot->keep_bytes * options->lag_warn_share);
    out[0] = '\0';
    if (slot->is_lost)
        snprintf(out, SOURCE_PROBLEM_MAX_BYTES, "replication slot %s was lost: a new snapshot will be made",
                 options->slot);
    else if (slot->retained_bytes > limit || strcmp(slot->wal_status, "unreserved") == 0)
        snprintf(out, SOURCE_PROBLEM_MAX_BYTES,
                 "the source keeps %" PRId64 " MiB of log for replication slot %s, more than %" PRId64
                 " MiB: it is not read fast enough, or not at all",
                 slot->retained_bytes >> 20, options->slot, limit >> 20);
    return out[0] == '\0' ? NULL : out;
}

static int64_t lag_of(const SqlSource *source, const SourceSlot *slot)
{
    Lsn reached = atomic_load(&source->reached);
    if (reached == 0)
        reached = slot->confirmed;
    return reached == 0 ? -1 : slot->log_end > reached ? (int64_t)(slot->log_end - reached) : 0;
}

bool sql_source_watch(SqlSource *source, WorkerStep *step, Error *err)
{
    SourceSlot slot;
    char text[SOURCE_PROBLEM_MAX_BYTES];
    step->rest_ms = WATCH_EVERY_MS;
    if (PQstatus(source->watch.handle) != CONNECTION_OK) {
        source_close(&source->watch);
        if (!source_connect(&source->watch, source->options.conninfo, false, err))
            return false;
    }
    if (!source_slot_read(&source->watch, source->options.slot, &slot, err)) {
        source_close(&source->watch);
        return false;
    }
    const char *problem = slot.exists ? judge_slot(source, &slot, text) : NULL;
    int64_t lag = slot.exists ? lag_of(source, &slot) : -1;
    metric_set(metric_with(&slot_lag), slot.exists && slot.retained_bytes > 0 ? (double)slot.retained_bytes : 0);
    metric_set(metric_with(&stream_lag), lag > 0 ? (double)lag : 0);
    source_status_set_watch(source->options.status, problem, lag, slot.exists ? slot.retained_bytes : -1);
    if (problem != NULL && !source->warned)
        log_warn("sql_source.slot_lag", log_text("problem", problem), log_int("retained_bytes", slot.retained_bytes),
                 log_text("wal_status", slot.wal_status));
    source->warned = problem != NULL;
    return true;
}
