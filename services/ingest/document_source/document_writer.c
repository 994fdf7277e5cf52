#include "services/ingest/document_source/document_writer.h"

#include <glib.h>
#include <string.h>
#include "common/clock.h"
#include "common/metrics.h"
#include "services/ingest/drift/schema_drift.h"
#include "services/ingest/text_hash.h"

static Metric documents_total = {.kind = METRIC_COUNTER,
                                 .name = "rushcast_ingest_documents_total",
                                 .help =
                                     "Documents and deletions read from the document database, by what became of them",
                                 .labels = {"result"}};

struct DocumentWriter {
    DocumentWriterOptions options;
    SchemaDrift *drift;
    Arena *arena;
    EntityChange changes[DOCUMENT_PAGE_MAX];
    uint64_t hashes[DOCUMENT_PAGE_MAX]; /* 0: not to be remembered */
    size_t count;
    GHashTable *remembered; /* of hashes */
    const char *stream;     /* of the drift being noted */
};

DocumentWriter *document_writer_new(const DocumentWriterOptions *options)
{
    DocumentWriter *writer = g_new0(DocumentWriter, 1);
    writer->options = *options;
    writer->drift = schema_drift_new(options->source);
    writer->arena = arena_new();
    writer->remembered = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    return writer;
}

void document_writer_free(DocumentWriter *writer)
{
    if (!writer)
        return;
    g_hash_table_destroy(writer->remembered);
    arena_free(writer->arena);
    schema_drift_free(writer->drift);
    g_free(writer);
}

void document_writer_forget(DocumentWriter *writer)
{
    g_hash_table_remove_all(writer->remembered);
}

Arena *document_writer_arena(DocumentWriter *writer)
{
    return writer->arena;
}

bool document_writer_is_full(const DocumentWriter *writer)
{
    return writer->count == DOCUMENT_PAGE_MAX || arena_used_bytes(writer->arena) >= DOCUMENT_PAGE_MAX_BYTES;
}

static void note_drift(void *context, const char *path, DriftKind kind, const char *value_type)
{
    DocumentWriter *writer = context;
    schema_drift_note(writer->drift, writer->stream, path, kind, value_type);
}

static uint64_t hash_of(const DocumentCollection *collection, const bson_t *document)
{
    uint64_t seed = text_hash(collection->entity->name, strlen(collection->entity->name), 0);
    return text_hash((const char *)bson_get_data(document), document->len, seed);
}

/* A time that has not come yet says nothing of when it changed. */
static void distrust_future(DocumentWriter *writer, EntityChange *change)
{
    if (change->valid_from <= clock_wall() + DOCUMENT_FUTURE_S * INSTANT_PER_SECOND)
        return;
    change->valid_from = INSTANT_NONE;
    note_drift(writer, change->entity->updated_at, DRIFT_OTHER_TYPE, "time in the future");
}

void document_writer_add(DocumentWriter *writer, DocumentCollection *collection, const bson_t *document)
{
    uint64_t hash = hash_of(collection, document);
    if (g_hash_table_contains(writer->remembered, &hash)) {
        collection->unchanged++;
        return;
    }
    EntityChange *change = &writer->changes[writer->count];
    writer->stream = collection->entity->from;
    document_read(collection->plan, document, note_drift, writer, writer->arena, change);
    distrust_future(writer, change);
    writer->hashes[writer->count++] = hash;
}

void document_writer_delete(DocumentWriter *writer, DocumentCollection *collection, EntityValue *values)
{
    writer->hashes[writer->count] = 0;
    writer->changes[writer->count++] = (EntityChange){
        .entity = collection->entity, .kind = ENTITY_DELETE, .valid_from = INSTANT_NONE, .row = {.values = values}};
}

void document_writer_drop(DocumentWriter *writer)
{
    writer->count = 0;
    arena_reset(writer->arena);
}

static void remember(DocumentWriter *writer)
{
    if (g_hash_table_size(writer->remembered) + writer->count > DOCUMENTS_REMEMBERED_MAX)
        g_hash_table_remove_all(writer->remembered);
    for (size_t i = 0; i < writer->count; i++) {
        if (writer->hashes[i] != 0)
            g_hash_table_add(writer->remembered, g_memdup2(&writer->hashes[i], sizeof writer->hashes[i]));
    }
}

static void count_result(DocumentWriter *writer, DocumentCollection *collection, const EntityChange *changes,
                         size_t count, const EntityResult *result)
{
    Instant newest = INSTANT_NONE;
    for (size_t i = 0; i < count; i++) {
        if (changes[i].valid_from > newest)
            newest = changes[i].valid_from;
        collection->deleted += changes[i].kind == ENTITY_DELETE;
    }
    collection->recorded += result->recorded;
    collection->unchanged += result->unchanged;
    collection->quarantined += result->quarantined;
    if (newest > collection->last_change_at)
        collection->last_change_at = newest;
    source_status_add_result(writer->options.status, result, newest);
    metric_add(metric_with(&documents_total, "recorded"), (double)result->recorded);
    metric_add(metric_with(&documents_total, "unchanged"), (double)result->unchanged);
    metric_add(metric_with(&documents_total, "quarantined"), (double)result->quarantined);
}

/* Whether the store refused because of what a change holds. */
static bool is_of_the_data(const Error *err)
{
    return err->code == ERROR_UNPROCESSABLE || err->code == ERROR_INTERNAL || err->code == ERROR_INVALID_ARGUMENT ||
           err->code == ERROR_TOO_LARGE || err->code == ERROR_MALFORMED;
}

static bool apply(DocumentWriter *writer, PgConnection *connection, DocumentCollection *collection,
                  const char *position, const EntityChange *changes, size_t count, Error *err)
{
    EntityResult result;
    EntityBatch batch = {.source = writer->options.source,
                         .stream = collection->entity->name,
                         .expected_position = collection->recorded_position,
                         .position = position,
                         .changes = changes,
                         .count = count};
    if (!entity_store_apply(connection, &batch, writer->options.locate, writer->options.context, writer->drift, &result,
                            err))
        return false;
    char *recorded = g_strdup(position);
    g_free(collection->recorded_position);
    collection->recorded_position = recorded;
    count_result(writer, collection, changes, count, &result);
    return true;
}

/* Halves a batch that the store refuses until what it refuses is alone. Only the last part moves the position. */
static bool apply_in_parts(DocumentWriter *writer, PgConnection *connection, DocumentCollection *collection,
                           const char *position, EntityChange *changes, size_t count, Error *err)
{
    if (apply(writer, connection, collection, position, changes, count, err))
        return true;
    if (!is_of_the_data(err) || count == 0)
        return false;
    if (count == 1) {
        if (changes[0].problems || changes[0].kind == ENTITY_DELETE)
            return false;
        changes[0].problems = arena_printf(writer->arena, "document: the warehouse refused it: %s", err->message);
        return apply(writer, connection, collection, position, changes, count, err);
    }
    size_t half = count / 2;
    const char *before =
        collection->recorded_position ? arena_strdup(writer->arena, collection->recorded_position) : "{}";
    return apply_in_parts(writer, connection, collection, before, changes, half, err) &&
           apply_in_parts(writer, connection, collection, position, changes + half, count - half, err);
}

bool document_writer_flush(DocumentWriter *writer, PgConnection *connection, DocumentCollection *collection, Error *err)
{
    const char *position = document_position_format(&collection->position, writer->arena);
    bool is_new = !collection->recorded_position || strcmp(position, collection->recorded_position) != 0;
    bool ok = (writer->count == 0 && !is_new) ||
              apply_in_parts(writer, connection, collection, position, writer->changes, writer->count, err);
    if (ok)
        remember(writer);
    document_writer_drop(writer);
    return ok;
}
