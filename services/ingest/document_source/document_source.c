#include "services/ingest/document_source/document_source.h"

#include <glib.h>
#include <stdatomic.h>
#include <string.h>
#include "common/clock.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/worker.h"
#include "gen/ingest_sql.h"
#include "services/ingest/document_source/document_reader.h"
#include "services/ingest/document_source/document_sweep.h"
#include "services/ingest/document_source/document_writer.h"
#include "services/ingest/text_hash.h"

enum { CONNECTION_WAIT_MS = 5000, WATCH_MS = 1000, WATCH_EACH_MIN_MS = 50 };

static Metric deletes_waiting = {.kind = METRIC_GAUGE,
                                 .name = "rushcast_ingest_document_deletes_waiting",
                                 .help = "Rows that a key sweep would delete and does not without being told to",
                                 .labels = {"entity"}};
static Metric sweeps_total = {.kind = METRIC_COUNTER,
                              .name = "rushcast_ingest_document_sweeps_total",
                              .help = "Key sweeps over collections, by what became of their deletions",
                              .labels = {"result"}};

struct DocumentSource {
    DocumentSourceOptions options;
    Arena *arena; /* of the mapping */
    EntityMapping mapping;
    DocumentCollection *collections; /* NULL before the mapping was read; then it stays */
    size_t count;
    DocumentWriter *writer;
    DocumentReader *reader;       /* NULL: to be made */
    PgConnection *connection;     /* holds the lock; NULL: this process does not read the source */
    atomic_bool is_reading;       /* for the watching thread: the collections are there */
    DocumentReader *watch_reader; /* the watching thread's own */
    atomic_bool is_watching;
};

DocumentSource *document_source_new(const DocumentSourceOptions *options)
{
    DocumentSource *source = g_new0(DocumentSource, 1);
    source->options = *options;
    source->arena = arena_new();
    source->writer = document_writer_new(&(DocumentWriterOptions){
        .source = DOCUMENT_SOURCE, .status = options->status, .locate = options->locate, .context = options->context});
    source_status_set_state(options->status, *options->uri ? SOURCE_DISCONNECTED : SOURCE_NOT_CONFIGURED, NULL);
    return source;
}

static void give_up_lock(DocumentSource *source)
{
    Error ignored;
    if (!source->connection)
        return;
    atomic_store(&source->is_reading, false);
    document_writer_drop(source->writer);
    document_writer_forget(source->writer);
    /* A connection that is lost has lost its lock, too. */
    pg_rollback(source->connection);
    (void)!pg_run(source->connection, &sql_release_source_lock, PG_PARAMS(pg_text(DOCUMENT_SOURCE)), NULL, &ignored);
    pg_release(source->connection);
    source->connection = NULL;
}

void document_source_free(DocumentSource *source)
{
    if (!source)
        return;
    give_up_lock(source);
    document_reader_free(source->reader);
    document_reader_free(source->watch_reader);
    for (size_t i = 0; i < source->count; i++) {
        document_position_fini(&source->collections[i].position);
        g_free(source->collections[i].recorded_position);
    }
    bson_free(source->collections);
    document_writer_free(source->writer);
    arena_free(source->arena);
    g_free(source);
}

/* ---- what is read ---- */

static uint64_t hash_entity(const Entity *entity, uint64_t hash)
{
    hash = text_hash(entity->name, strlen(entity->name), hash);
    hash = text_hash(entity->from, strlen(entity->from), hash);
    for (size_t i = 0; i < entity->columns_count; i++) {
        const EntityColumn *column = &entity->columns[i];
        hash = text_hash(column->name, strlen(column->name), hash + (uint64_t)column->type);
        hash = text_hash(column->from, strlen(column->from), hash + column->key + 2U * column->personal);
    }
    for (size_t i = 0; i < entity->children_count; i++)
        hash = hash_entity(&entity->children[i], hash);
    return hash;
}

static bool load_mapping(DocumentSource *source, Error *err)
{
    if (source->collections)
        return true;
    arena_reset(source->arena);
    if (!entity_mapping_load(source->options.mapping, entity_mapping_company_documents, "company-documents.json",
                             source->arena, &source->mapping, err))
        return error_prefix(err, "RUSHCAST_DOCUMENT_MAPPING");
    if (strcmp(source->mapping.source, DOCUMENT_SOURCE) != 0)
        return error_set(err, ERROR_UNPROCESSABLE, "RUSHCAST_DOCUMENT_MAPPING: source is \"%s\", not \"%s\"",
                         source->mapping.source, DOCUMENT_SOURCE);
    source->count = source->mapping.entities_count;
    source->collections =
        bson_aligned_alloc0(_Alignof(DocumentCollection), source->count * sizeof *source->collections);
    for (size_t i = 0; i < source->count; i++) {
        DocumentCollection *collection = &source->collections[i];
        const Entity *entity = &source->mapping.entities[i];
        *collection = (DocumentCollection){.entity = entity,
                                           .plan = document_plan_new(entity, source->arena),
                                           .page_documents = DOCUMENT_PAGE_MAX,
                                           .last_change_at = INSTANT_NONE,
                                           .keys = -1};
        document_position_init(&collection->position);
    }
    return true;
}

/* *ret_reading false: another process reads it. */
static bool take_lock(DocumentSource *source, bool *ret_reading, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    EntityResult retried; /* by the rules of this mapping */
    if (!pg_acquire(source->options.pool, CONNECTION_WAIT_MS, &source->connection, err))
        return false;
    if (!pg_run(source->connection, &sql_try_source_lock, PG_PARAMS(pg_text(DOCUMENT_SOURCE)), &row, err)) {
        give_up_lock(source);
        return false;
    }
    *ret_reading = pg_get_bool(row, 0, 0);
    if (*ret_reading && entity_tables_ensure(source->connection, &source->mapping, err) &&
        entity_store_retry_quarantine(source->connection, &source->mapping, source->options.locate,
                                      source->options.context, &retried, err))
        return true;
    bool failed = *ret_reading;
    give_up_lock(source);
    return !failed;
}

static bool begin_reading(DocumentSource *source, bool *ret_reading, Error *err)
{
    if (!load_mapping(source, err) ||
        (!source->reader && !document_reader_new(source->options.uri, source->options.database, &source->reader, err)))
        return false;
    if (source->connection) {
        *ret_reading = true;
        return true;
    }
    if (!take_lock(source, ret_reading, err))
        return false;
    atomic_store(&source->is_reading, *ret_reading);
    return true;
}

/* The position as the warehouse has it: what this process remembers may be from before a failure. */
static bool load_position(DocumentSource *source, DocumentCollection *collection, bool again, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    const char *text;
    uint64_t mapping = hash_entity(collection->entity, 0) >> 1;
    if (!entity_store_position(source->connection, DOCUMENT_SOURCE, collection->entity->name, arena, &text, err) ||
        !document_position_parse(&collection->position, text, err))
        return false;
    g_free(collection->recorded_position);
    collection->recorded_position = g_strdup(text);
    if (again || collection->position.mapping != mapping) {
        document_position_fini(&collection->position);
        document_position_init(&collection->position);
        document_writer_forget(source->writer);
    }
    collection->position.mapping = mapping;
    return true;
}

/* ---- reading on ---- */

/* A page of a lane that is being read. */
typedef struct Page {
    DocumentSource *source;
    DocumentCollection *collection;
    DocumentLane lane;
    Instant now;
    bson_t mark; /* of its last document; empty: there was none */
    int64_t count;
    bool is_full, is_lost;
} Page;

static bool take_document(void *context, const bson_t *document)
{
    Page *page = context;
    bson_iter_t updated_at, id;
    page->count++;
    document_writer_add(page->source->writer, page->collection, document);
    if (!document_find(document, page->collection->entity->updated_at, &updated_at) ||
        !bson_iter_init_find(&id, document, "_id")) {
        page->is_lost = true;
    } else {
        document_mark_set(&page->mark, &updated_at, &id);
        document_position_advance(&page->collection->position, page->lane, &page->mark,
                                  page->now + DOCUMENT_FUTURE_S * INSTANT_PER_SECOND);
    }
    page->is_full = document_writer_is_full(page->source->writer);
    return !page->is_full && !workers_stopping();
}

static void append_page_options(const DocumentCollection *collection, bson_t *options)
{
    bson_t order;
    bson_append_int64(options, "limit", -1, collection->page_documents);
    bson_append_int32(options, "batchSize", -1, (int32_t)collection->page_documents);
    bson_append_int64(options, "maxTimeMS", -1, DOCUMENT_QUERY_MAX_MS);
    bson_append_document_begin(options, "sort", -1, &order);
    bson_append_int32(&order, collection->entity->updated_at, -1, 1);
    bson_append_int32(&order, "_id", -1, 1);
    bson_append_document_end(options, &order);
}

/* A page whose documents were too large for an answer comes in smaller ones. */
static bool ask_for_page(Page *page, const bson_t *filter, Error *err)
{
    DocumentCollection *collection = page->collection;
    for (;;) {
        bson_t options = BSON_INITIALIZER;
        append_page_options(collection, &options);
        page->count = 0;
        bool ok = document_reader_find(page->source->reader, collection->entity->from, filter, &options, take_document,
                                       page, err);
        bson_destroy(&options);
        if (ok || collection->page_documents == 1 || workers_stopping())
            return ok;
        collection->page_documents = collection->page_documents > 8 ? collection->page_documents / 8 : 1;
        if (page->count > 0)
            return false;
    }
}

/* *ret_more: another page comes after it. */
static bool read_page(Page *page, bson_t *filter, bool *ret_more, Error *err)
{
    DocumentCollection *collection = page->collection;
    int64_t asked = collection->page_documents;
    if (!ask_for_page(page, filter, err)) {
        document_writer_drop(page->source->writer);
        return false;
    }
    asked = asked < collection->page_documents ? asked : collection->page_documents;
    *ret_more = page->is_full || page->count >= asked;
    if (!*ret_more && !workers_stopping())
        document_position_complete(&collection->position, page->lane);
    if (!document_writer_flush(page->source->writer, page->source->connection, collection, err))
        return false;
    if (page->is_lost && *ret_more)
        return error_set(err, ERROR_UPSTREAM,
                         "documents in %s have lists in %s: reading on by it is not possible, the key sweep reads them",
                         collection->entity->from, collection->entity->updated_at);
    if (collection->page_documents < DOCUMENT_PAGE_MAX)
        collection->page_documents = MIN(2 * collection->page_documents, DOCUMENT_PAGE_MAX);
    if (*ret_more) {
        bson_destroy(filter);
        document_filter_after(&page->mark, page->lane, collection->entity->updated_at, page->now, filter);
    }
    return true;
}

static bool read_lane(DocumentSource *source, DocumentCollection *collection, DocumentLane lane, Error *err)
{
    Page page = {.source = source, .collection = collection, .lane = lane, .now = clock_wall()};
    bson_t filter;
    bool more = true, ok = true;
    bson_init(&page.mark);
    document_filter_begin(&collection->position, lane, collection->entity->updated_at, source->options.overlap_s,
                          page.now, &filter);
    while (ok && more && !workers_stopping()) {
        page.is_full = page.is_lost = false;
        ok = read_page(&page, &filter, &more, err);
        if (ok && more)
            source_status_set_state(
                source->options.status,
                collection->position.swept_at == INSTANT_NONE ? SOURCE_SNAPSHOT : SOURCE_CATCHING_UP, NULL);
    }
    bson_destroy(&page.mark);
    bson_destroy(&filter);
    return ok;
}

static bool read_on(DocumentSource *source, DocumentCollection *collection, Error *err)
{
    for (int lane = 0; lane < DOCUMENT_LANES && collection->entity->updated_at; lane++) {
        if (collection->position.is_used[lane] && !read_lane(source, collection, (DocumentLane)lane, err))
            return false;
    }
    return true;
}

/* ---- comparing all keys ---- */

static void tell_refused(DocumentCollection *collection)
{
    metric_set(metric_with(&deletes_waiting, collection->entity->name), (double)collection->deletes_waiting);
    metric_add(metric_with(&sweeps_total, collection->deletes_waiting > 0 ? "refused" : "done"), 1);
    if (collection->deletes_waiting == 0)
        return;
    log_error("documents.deletes_refused", log_text("entity", collection->entity->name),
              log_int("would_delete", collection->deletes_waiting), log_int("keys", collection->keys));
}

static bool sweep(DocumentSource *source, DocumentCollection *collection, bool accept_deletes, Error *err)
{
    if (!document_sweep(source->reader, source->writer, source->connection, collection, accept_deletes, err)) {
        document_writer_drop(source->writer);
        return false;
    }
    tell_refused(collection);
    return true;
}

static bool sweep_is_due(const DocumentSource *source, const DocumentCollection *collection)
{
    return collection->position.swept_at == INSTANT_NONE ||
           clock_wall() - collection->position.swept_at >= source->options.sweep_every_s * INSTANT_PER_SECOND;
}

/* ---- status ---- */

static json_t *collection_json(const DocumentCollection *collection)
{
    return json_pack("{ss ss so so so so sI sI sI sI sI so}", "collection", collection->entity->from, "entity",
                     collection->entity->name, "position",
                     json_instant(document_position_instant(&collection->position)), "last_change_at",
                     json_instant(collection->last_change_at), "swept_at", json_instant(collection->position.swept_at),
                     "documents", collection->keys < 0 ? json_null() : json_integer(collection->keys), "recorded",
                     (json_int_t)collection->recorded, "unchanged", (json_int_t)collection->unchanged, "quarantined",
                     (json_int_t)collection->quarantined, "deleted", (json_int_t)collection->deleted, "deletes_waiting",
                     (json_int_t)collection->deletes_waiting, "problem",
                     collection->problem[0] ? json_string(collection->problem) : json_null());
}

static void tell_status(DocumentSource *source)
{
    char problems[SOURCE_PROBLEM_MAX_BYTES] = "";
    json_t *list = json_array();
    for (size_t i = 0; i < source->count; i++) {
        DocumentCollection *collection = &source->collections[i];
        if (collection->deletes_waiting > 0)
            snprintf(collection->problem, sizeof collection->problem,
                     "%s: the key sweep would delete %lld of %s and waits: POST /sources/" DOCUMENT_SOURCE
                     "/sync with {\"accept_deletes\": true} if they are really gone",
                     collection->entity->from, (long long)collection->deletes_waiting, collection->entity->name);
        json_array_append_new(list, collection_json(collection));
        if (collection->problem[0]) {
            size_t length = strlen(problems);
            snprintf(problems + length, sizeof problems - length, "%s%s", length > 0 ? "; " : "", collection->problem);
        }
    }
    source_status_set_details(source->options.status, json_pack("{so}", "collections", list));
    source_status_set_problem(source->options.status, problems);
}

/* ---- the steps ---- */

typedef struct Wanted {
    bool sync, again, accept_deletes;
} Wanted;

static bool read_collection(DocumentSource *source, DocumentCollection *collection, Wanted wanted, Error *err)
{
    collection->problem[0] = '\0';
    return load_position(source, collection, wanted.again, err) && read_on(source, collection, err) &&
           (workers_stopping() || !(wanted.sync || sweep_is_due(source, collection)) ||
            sweep(source, collection, wanted.accept_deletes, err));
}

/* Whether only this collection is concerned. */
static bool can_go_on(const Error *err)
{
    return err->code == ERROR_UPSTREAM || err->code == ERROR_MALFORMED;
}

static bool read_collections(DocumentSource *source, Wanted wanted, Error *err)
{
    bool ok = true;
    for (size_t i = 0; i < source->count && !workers_stopping(); i++) {
        DocumentCollection *collection = &source->collections[i];
        Error failure;
        if (read_collection(source, collection, wanted, &failure))
            continue;
        snprintf(collection->problem, sizeof collection->problem, "%s: %.200s", collection->entity->from,
                 failure.message);
        if (ok)
            *err = failure;
        ok = false;
        if (!can_go_on(&failure))
            break;
    }
    return ok;
}

bool document_source_step(DocumentSource *source, Error *err)
{
    SourceStatus *status = source->options.status;
    bool is_reading = false;
    if (!*source->options.uri)
        return true;
    if (!begin_reading(source, &is_reading, err)) {
        source_status_set_state(status, SOURCE_DISCONNECTED, NULL);
        source_status_set_problem(status, err->message);
        return false;
    }
    if (!is_reading) {
        source_status_set_state(status, SOURCE_STANDBY, NULL);
        source_status_set_problem(status, NULL);
        return true;
    }
    Wanted wanted = {.sync = atomic_exchange(&status->sync_wanted, false),
                     .again = atomic_exchange(&status->snapshot_wanted, false),
                     .accept_deletes = atomic_exchange(&status->deletes_accepted, false)};
    bool ok = read_collections(source, wanted, err);
    tell_status(source);
    if (ok) {
        source_status_set_state(status, SOURCE_CONNECTED,
                                atomic_load(&source->is_watching) ? "change stream" : "watermark");
        return true;
    }
    if (err->code != ERROR_UPSTREAM)
        give_up_lock(source);
    source_status_set_state(status, SOURCE_DISCONNECTED, NULL);
    return false;
}

bool document_source_watch(DocumentSource *source, bool *ret_changed, bool *ret_supported, Error *err)
{
    bool any_changed = false;
    if (!atomic_load(&source->is_reading)) {
        *ret_changed = *ret_supported = false;
        return true;
    }
    if (!source->watch_reader &&
        !document_reader_new(source->options.uri, source->options.database, &source->watch_reader, err))
        return false;
    int wait_ms = MAX(WATCH_MS / (int)source->count, WATCH_EACH_MIN_MS);
    for (size_t i = 0; i < source->count && !workers_stopping(); i++) {
        bool changed = false;
        if (!document_reader_watch(source->watch_reader, source->collections[i].entity->from, wait_ms, &changed, err)) {
            atomic_store(&source->is_watching, false);
            *ret_changed = *ret_supported = false;
            return err->code == ERROR_NOT_FOUND;
        }
        any_changed = any_changed || changed;
    }
    atomic_store(&source->is_watching, true);
    *ret_changed = any_changed;
    *ret_supported = true;
    return true;
}
