/* A document as a change of the thing that a mapping makes of it: paths become columns, arrays become child rows, and
 * whatever else is in the document is kept beside them. Never fails and never stops: what can't be used is a problem of
 * that change alone. Pure. */
#pragma once

#include <bson/bson.h>
#include "services/ingest/drift/drift_kind.h"
#include "services/ingest/entities/entity.h"

enum {
    DOCUMENT_MAX_BYTES = 4 << 20, /* larger ones go to the quarantine */
    DOCUMENT_DEPTH_MAX = 64,      /* of nesting, likewise */
    DOCUMENT_ITEMS_MAX = 10000,   /* of one array that becomes child rows */
    DOCUMENT_PROBLEMS_MAX = 20,   /* that are told of one document */
    DOCUMENT_NOTES_MAX = 100,     /* of drift in one document */
    DOCUMENT_ORIGINAL_MAX_BYTES = 256 << 10,
};

/* An entity's paths as a tree; immutable. */
typedef struct DocumentPlan DocumentPlan;
/* In the arena; the entity is kept by reference. A path "." of a child's column is the array's item itself. */
DocumentPlan *document_plan_new(const Entity *entity, Arena *arena);

/* Once for each path and kind of drift in a document. */
typedef void DocumentDrift(void *context, const char *path, DriftKind kind, const char *value_type);

/* The change is in the arena. Its problems are told as "path: why". The original is whole up to
 * DOCUMENT_ORIGINAL_MAX_BYTES; of a larger document it holds the _id and the size. */
void document_read(const DocumentPlan *plan, const bson_t *document, DocumentDrift *drift, void *context, Arena *arena,
                   EntityChange *ret_change);
/* Only the key columns; false when one of them is missing or can't be read. */
bool document_read_key(const DocumentPlan *plan, const bson_t *document, Arena *arena,
                       EntityValue *ret_values) MUST_CHECK;
/* The value at a dotted path, array indexes included. */
bool document_find(const bson_t *document, const char *path, bson_iter_t *ret_value) MUST_CHECK;
