/* Compares the keys of a whole collection with the warehouse's: what is gone is deleted, what reading on by time has
 * missed (no time, one in the future, one set long before the document could be seen) is read by its _id. */
#pragma once

#include "services/ingest/document_source/document_reader.h"
#include "services/ingest/document_source/document_writer.h"

enum {
    SWEEP_DELETES_MAX_PERCENT = 10,
    SWEEP_FEW_ROWS = 10, /* tables with fewer rows may lose any number of them */
};

/* More deletions than the limit are only done with `accept_deletes`; else they are counted in
 * collection->deletes_waiting, and none is done. The connection must not be in a transaction. */
bool document_sweep(DocumentReader *reader, DocumentWriter *writer, PgConnection *connection,
                    DocumentCollection *collection, bool accept_deletes, Error *err) MUST_CHECK;
/* Reads documents by their _ids. `ids` is what $in takes. */
bool document_read_by_ids(DocumentReader *reader, DocumentWriter *writer, PgConnection *connection,
                          DocumentCollection *collection, const bson_t *ids, Error *err) MUST_CHECK;
