/* How far a collection was read, and what to ask for to read on. Documents are read in the order of (updated_at, _id),
 * those whose updated_at is a date, a number and a text each on their own, since a comparison only finds values of its
 * own kind. Pure. */
#pragma once

#include <bson/bson.h>
#include "common/arena.h"
#include "common/hour.h"

typedef enum DocumentLane { LANE_DATE, LANE_NUMBER, LANE_TEXT, DOCUMENT_LANES } DocumentLane;

enum {
    DOCUMENT_FUTURE_S = 300,               /* how far ahead of ours the source's clocks may be */
    DOCUMENT_TIME_ZONES_S = 26 * 3600,     /* between texts of the same instant in different zones */
    DOCUMENT_POSITION_ID_MAX_BYTES = 1024, /* of an _id that is remembered */
};

typedef struct DocumentPosition {
    /* {"at": updated_at, "id": _id} of the last document recorded; empty: none. Without "id" all up to there was read,
     * with it reading goes on after that very document. */
    bson_t lanes[DOCUMENT_LANES];
    bool is_used[DOCUMENT_LANES]; /* documents of that kind are known to be there; the first is always */
    Instant swept_at;             /* INSTANT_NONE: never */
    uint64_t mapping;             /* hash of the mapping's text that it was read by; 0: none yet */
} DocumentPosition;

void document_position_init(DocumentPosition *position);
void document_position_fini(DocumentPosition *position);
/* Replaces what `position` holds. `text` NULL: nothing was read yet. MALFORMED. */
bool document_position_parse(DocumentPosition *position, const char *text, Error *err) MUST_CHECK;
const char *document_position_format(const DocumentPosition *position, Arena *arena);

/* False for values that can't order documents in time: other types, NaN, texts that are no instants. */
bool document_lane_of(const bson_iter_t *updated_at, DocumentLane *ret_lane, Instant *ret_instant) MUST_CHECK;
/* Sets {"at", "id"} to a document's. */
void document_mark_set(bson_t *mark, const bson_iter_t *updated_at, const bson_iter_t *id);
/* Moves the lane to the mark, unless that lies before it or in the future. */
void document_position_advance(DocumentPosition *position, DocumentLane lane, const bson_t *mark, Instant now);
/* Nothing comes after it. */
void document_position_complete(DocumentPosition *position, DocumentLane lane);
/* Whether reading goes on in the middle of what it has begun. */
bool document_position_is_midway(const DocumentPosition *position, DocumentLane lane);
/* The newest instant that was read; INSTANT_NONE. */
Instant document_position_instant(const DocumentPosition *position);

/* What comes after the lane's position midway, else what comes from `overlap_s` seconds before it on; up to now. The
 * caller destroys *ret_filter. */
void document_filter_begin(const DocumentPosition *position, DocumentLane lane, const char *updated_at_path,
                           int64_t overlap_s, Instant now, bson_t *ret_filter);
/* What comes after a mark, whatever types the _ids have. */
void document_filter_after(const bson_t *mark, DocumentLane lane, const char *updated_at_path, Instant now,
                           bson_t *ret_filter);
