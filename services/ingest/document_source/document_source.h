/* The company's document database as a source: its collections are read on by the time of change, compared as a whole
 * from time to time, and written into the warehouse as the mapping file says. One process at a time reads it. */
#pragma once

#include "services/ingest/entities/entity_store.h"
#include "services/ingest/sources/source_status.h"

#define DOCUMENT_SOURCE "company-documents"

typedef struct DocumentSourceOptions {
    const char *uri;      /* empty: the source is not configured */
    const char *database; /* in it */
    const char *mapping;  /* file; empty: the one that ships with the program */
    int64_t overlap_s;    /* how long before the last position reading begins, for clocks that differ */
    int64_t sweep_every_s;
    PgPool *pool;
    SourceStatus *status;
    EntityLocator *locate; /* called by the step's thread */
    void *context;         /* its */
} DocumentSourceOptions;

typedef struct DocumentSource DocumentSource;

/* Texts are kept by reference. Connects to nothing. */
DocumentSource *document_source_new(const DocumentSourceOptions *options);
void document_source_free(DocumentSource *source); /* accepts NULL */

/* Reads what has changed in all collections; sweeps those whose time has come, or all when the status says that this is
 * wanted. What one collection's trouble is does not keep the others from being read. */
bool document_source_step(DocumentSource *source, Error *err) MUST_CHECK;
/* Waits for up to a second for the server to tell of a change, while this process reads the source; from another thread
 * than the step. *ret_supported false: it tells nothing, or this process does not read. */
bool document_source_watch(DocumentSource *source, bool *ret_changed, bool *ret_supported, Error *err) MUST_CHECK;
