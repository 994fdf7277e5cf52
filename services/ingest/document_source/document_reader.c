#include "services/ingest/document_source/document_reader.h"

#include <mongoc/mongoc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "services/ingest/entities/entity.h"

enum {
    SERVER_SELECTION_TIMEOUT_MS = 5000,
    CONNECT_TIMEOUT_MS = 3000,
    SOCKET_TIMEOUT_MS = DOCUMENT_QUERY_MAX_MS + 5000,
    EVENTS_MAX = 1000, /* that are taken at once */
};

/* A change stream that is open. */
typedef struct Watch {
    char *collection;
    mongoc_collection_t *handle;
    mongoc_change_stream_t *stream; /* NULL: to be opened */
    bson_t *resume_after;           /* token of the last event; NULL: none yet */
} Watch;

struct DocumentReader {
    mongoc_client_t *client;
    char *database;
    Watch watches[ENTITIES_MAX];
    size_t watches_count;
};

static pthread_once_t driver_once = PTHREAD_ONCE_INIT;

/* The driver can't be initialized twice in a process, so it stays to the end. */
static void init_driver(void)
{
    mongoc_init();
    mongoc_log_set_handler(NULL, NULL);
}

static bool failed(const bson_error_t *failure, Error *err)
{
    bool is_away = failure->domain == MONGOC_ERROR_SERVER_SELECTION || failure->domain == MONGOC_ERROR_STREAM;
    return error_set(err, is_away ? ERROR_UNAVAILABLE : ERROR_UPSTREAM, "the document database %s: %s",
                     is_away ? "can't be reached" : "refused", failure->message);
}

bool document_reader_new(const char *uri_text, const char *database, DocumentReader **ret_reader, Error *err)
{
    bson_error_t failure;
    pthread_once(&driver_once, init_driver);
    mongoc_uri_t *uri = mongoc_uri_new_with_error(uri_text, &failure); /* the text may hold a password: not shown */
    if (!uri)
        return error_set(err, ERROR_INVALID_ARGUMENT, "RUSHCAST_SOURCE_MONGO is no address of a Mongo server: %s",
                         failure.message);
    if (mongoc_uri_get_option_as_int32(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, 0) == 0)
        mongoc_uri_set_option_as_int32(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, SERVER_SELECTION_TIMEOUT_MS);
    if (mongoc_uri_get_option_as_int32(uri, MONGOC_URI_CONNECTTIMEOUTMS, 0) == 0)
        mongoc_uri_set_option_as_int32(uri, MONGOC_URI_CONNECTTIMEOUTMS, CONNECT_TIMEOUT_MS);
    mongoc_uri_set_option_as_int32(uri, MONGOC_URI_SOCKETTIMEOUTMS, SOCKET_TIMEOUT_MS);
    mongoc_client_t *client = mongoc_client_new_from_uri_with_error(uri, &failure);
    mongoc_uri_destroy(uri);
    if (!client)
        return error_set(err, ERROR_INVALID_ARGUMENT, "RUSHCAST_SOURCE_MONGO: %s", failure.message);
    mongoc_client_set_appname(client, "rushcast-ingest");
    mongoc_client_set_error_api(client, MONGOC_ERROR_API_VERSION_2);
    DocumentReader *reader = calloc(1, sizeof *reader);
    if (!reader)
        abort();
    *reader = (DocumentReader){.client = client, .database = bson_strdup(database)};
    *ret_reader = reader;
    return true;
}

static void close_stream(Watch *watch)
{
    if (watch->stream)
        mongoc_change_stream_destroy(watch->stream);
    watch->stream = NULL;
}

void document_reader_free(DocumentReader *reader)
{
    if (!reader)
        return;
    for (size_t i = 0; i < reader->watches_count; i++) {
        Watch *watch = &reader->watches[i];
        close_stream(watch);
        mongoc_collection_destroy(watch->handle);
        bson_destroy(watch->resume_after);
        bson_free(watch->collection);
    }
    mongoc_client_destroy(reader->client);
    bson_free(reader->database);
    free(reader);
}

bool document_reader_find(DocumentReader *reader, const char *collection, const bson_t *filter, const bson_t *options,
                          DocumentVisit *visit, void *context, Error *err)
{
    const bson_t *document;
    bson_error_t failure;
    mongoc_collection_t *handle = mongoc_client_get_collection(reader->client, reader->database, collection);
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(handle, filter, options, NULL);
    bool is_wanted = true;
    while (is_wanted && mongoc_cursor_next(cursor, &document))
        is_wanted = visit(context, document);
    bool ok = !mongoc_cursor_error(cursor, &failure) || failed(&failure, err);
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(handle);
    return ok;
}

static Watch *find_watch(DocumentReader *reader, const char *collection)
{
    for (size_t i = 0; i < reader->watches_count; i++) {
        if (strcmp(reader->watches[i].collection, collection) == 0)
            return &reader->watches[i];
    }
    if (reader->watches_count == ENTITIES_MAX)
        abort();
    Watch *watch = &reader->watches[reader->watches_count++];
    *watch = (Watch){.collection = bson_strdup(collection),
                     .handle = mongoc_client_get_collection(reader->client, reader->database, collection)};
    return watch;
}

static void open_stream(Watch *watch, int wait_ms)
{
    bson_t pipeline = BSON_INITIALIZER, options = BSON_INITIALIZER;
    bson_append_int64(&options, "maxAwaitTimeMS", -1, wait_ms);
    if (watch->resume_after)
        bson_append_document(&options, "resumeAfter", -1, watch->resume_after);
    watch->stream = mongoc_collection_watch(watch->handle, &pipeline, &options);
    bson_destroy(&pipeline);
    bson_destroy(&options);
}

static void keep_token(Watch *watch)
{
    const bson_t *token = mongoc_change_stream_get_resume_token(watch->stream);
    if (!token)
        return;
    bson_destroy(watch->resume_after);
    watch->resume_after = bson_copy(token);
}

bool document_reader_watch(DocumentReader *reader, const char *collection, int wait_ms, bool *ret_changed, Error *err)
{
    const bson_t *event, *reply;
    bson_error_t failure;
    bool changed = false;
    Watch *watch = find_watch(reader, collection);
    if (!watch->stream)
        open_stream(watch, wait_ms);
    for (int i = 0; i < EVENTS_MAX && mongoc_change_stream_next(watch->stream, &event); i++) {
        changed = true;
        keep_token(watch);
    }
    if (!mongoc_change_stream_error_document(watch->stream, &failure, &reply)) {
        *ret_changed = changed;
        return true;
    }
    close_stream(watch);
    if (failure.domain == MONGOC_ERROR_SERVER) { /* it has none, or does not let us, or the token is too old */
        bson_destroy(watch->resume_after);
        watch->resume_after = NULL;
        return error_set(err, ERROR_NOT_FOUND, "the server gives no change stream: %s", failure.message);
    }
    return failed(&failure, err);
}
