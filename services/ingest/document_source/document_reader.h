/* The connection to the document database: what is asked for comes one document after another. One thread uses it. */
#pragma once

#include <bson/bson.h>
#include "common/error.h"

typedef struct DocumentReader DocumentReader;

enum { DOCUMENT_QUERY_MAX_MS = 60000 };

/* Connects at first use. INVALID_ARGUMENT for an address that can't be one. */
bool document_reader_new(const char *uri, const char *database, DocumentReader **ret_reader, Error *err) MUST_CHECK;
void document_reader_free(DocumentReader *reader); /* accepts NULL */

/* Returns whether to go on. */
typedef bool DocumentVisit(void *context, const bson_t *document);

/* `options` as mongoc_collection_find_with_opts() takes them. UNAVAILABLE: the server can't be reached; UPSTREAM: it
 * refused. A collection that is not there is empty. */
bool document_reader_find(DocumentReader *reader, const char *collection, const bson_t *filter, const bson_t *options,
                          DocumentVisit *visit, void *context, Error *err) MUST_CHECK;

/* Waits up to `wait_ms` for something to change in the collection, from the call before on, or from now on if it is the
 * first. NOT_FOUND when the server gives no change stream. A reader watches up to ENTITIES_MAX collections. */
bool document_reader_watch(DocumentReader *reader, const char *collection, int wait_ms, bool *ret_changed,
                           Error *err) MUST_CHECK;
