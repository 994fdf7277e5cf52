/* Documents that were read, on their way into the warehouse: taken apart, gathered in a page of bounded memory, written
 * as one batch. What was written lately is remembered, so that what is read again costs nothing. One thread uses it. */
#pragma once

#include "services/ingest/document_source/document_mapping.h"
#include "services/ingest/document_source/document_position.h"
#include "services/ingest/entities/entity_store.h"
#include "services/ingest/sources/source_status.h"

enum {
    DOCUMENT_PAGE_MAX = 1000,
    DOCUMENT_PAGE_MAX_BYTES = 16 << 20,
    DOCUMENTS_REMEMBERED_MAX = 100000,
};

/* A collection that the mapping names. */
typedef struct DocumentCollection {
    const Entity *entity;
    DocumentPlan *plan;
    DocumentPosition position;
    char *recorded_position; /* as the warehouse has it; NULL: nothing yet */
    int64_t page_documents;  /* how many are asked for at once; fewer after a failure */
    /* Since this process began to read. */
    int64_t recorded, unchanged, quarantined, deleted;
    Instant last_change_at;  /* INSTANT_NONE */
    int64_t keys;            /* of the last sweep; -1: none yet */
    int64_t deletes_waiting; /* that the last sweep did not dare; 0: none */
    char problem[256];       /* empty: none */
} DocumentCollection;

typedef struct DocumentWriterOptions {
    const char *source; /* kept by reference */
    SourceStatus *status;
    EntityLocator *locate; /* may be NULL */
    void *context;         /* its */
} DocumentWriterOptions;

typedef struct DocumentWriter DocumentWriter;

DocumentWriter *document_writer_new(const DocumentWriterOptions *options);
void document_writer_free(DocumentWriter *writer); /* accepts NULL */
/* Forgets what was written lately: another process may have read the source meanwhile. */
void document_writer_forget(DocumentWriter *writer);

/* Lives until the page is written or dropped. */
Arena *document_writer_arena(DocumentWriter *writer);
/* Adds a document to the page, unless it was written lately. */
void document_writer_add(DocumentWriter *writer, DocumentCollection *collection, const bson_t *document);
void document_writer_delete(DocumentWriter *writer, DocumentCollection *collection, EntityValue *values);
bool document_writer_is_full(const DocumentWriter *writer);
/* Writes the page and the collection's position in one transaction, if one of them is new, and begins another page. A
 * change that the store refuses goes to the quarantine by itself; CONFLICT: another process moved the position. After a
 * failure the page is dropped. */
bool document_writer_flush(DocumentWriter *writer, PgConnection *connection, DocumentCollection *collection,
                           Error *err) MUST_CHECK;
void document_writer_drop(DocumentWriter *writer);
