#include "services/ingest/document_source/document_position.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "services/ingest/document_source/document_values.h"

static const char *const lane_names[] = {"date", "number", "text"};
static const double seconds_below = 1e11; /* as document_instant() takes numbers */

enum { TEXT_AT_MAX_BYTES = 64, TEXT_SECONDS_LENGTH = 19 /* "2026-06-01T10:00:00" */ };

void document_position_init(DocumentPosition *position)
{
    *position = (DocumentPosition){.swept_at = INSTANT_NONE, .is_used = {true}};
    for (int lane = 0; lane < DOCUMENT_LANES; lane++)
        bson_init(&position->lanes[lane]);
}

void document_position_fini(DocumentPosition *position)
{
    for (int lane = 0; lane < DOCUMENT_LANES; lane++)
        bson_destroy(&position->lanes[lane]);
}

bool document_position_parse(DocumentPosition *position, const char *text, Error *err)
{
    bson_error_t failure;
    bson_iter_t items;
    bson_t *document = text ? bson_new_from_json((const uint8_t *)text, -1, &failure) : bson_new();
    if (!document)
        return error_set(err, ERROR_MALFORMED, "the recorded position \"%.100s\" can't be read: %s", text,
                         failure.message);
    document_position_fini(position);
    document_position_init(position);
    for (int lane = 0; lane < DOCUMENT_LANES; lane++) {
        uint32_t length;
        const uint8_t *bytes;
        bson_t mark;
        if (!bson_iter_init_find(&items, document, lane_names[lane]) || !BSON_ITER_HOLDS_DOCUMENT(&items))
            continue;
        bson_iter_document(&items, &length, &bytes);
        if (!bson_init_static(&mark, bytes, length))
            continue;
        position->is_used[lane] = true;
        bson_concat(&position->lanes[lane], &mark);
    }
    if (bson_iter_init_find(&items, document, "swept_at") && BSON_ITER_HOLDS_DATE_TIME(&items))
        position->swept_at = bson_iter_date_time(&items) * 1000;
    if (bson_iter_init_find(&items, document, "mapping") && BSON_ITER_HOLDS_INT64(&items))
        position->mapping = (uint64_t)bson_iter_int64(&items);
    bson_destroy(document);
    return true;
}

const char *document_position_format(const DocumentPosition *position, Arena *arena)
{
    bson_t document = BSON_INITIALIZER;
    for (int lane = 0; lane < DOCUMENT_LANES; lane++) {
        if (position->is_used[lane])
            bson_append_document(&document, lane_names[lane], -1, &position->lanes[lane]);
    }
    if (position->swept_at != INSTANT_NONE)
        bson_append_date_time(&document, "swept_at", -1, position->swept_at / 1000);
    if (position->mapping)
        bson_append_int64(&document, "mapping", -1, (int64_t)position->mapping);
    char *json = bson_as_canonical_extended_json(&document, NULL);
    bson_destroy(&document);
    const char *text = arena_strdup(arena, json);
    bson_free(json);
    return text;
}

bool document_lane_of(const bson_iter_t *updated_at, DocumentLane *ret_lane, Instant *ret_instant)
{
    uint32_t length;
    if (!document_instant(updated_at, ret_instant))
        return false;
    switch (bson_iter_type(updated_at)) {
    case BSON_TYPE_DATE_TIME:
        *ret_lane = LANE_DATE;
        return true;
    case BSON_TYPE_INT32:
    case BSON_TYPE_INT64:
    case BSON_TYPE_DOUBLE:
        *ret_lane = LANE_NUMBER;
        return true;
    case BSON_TYPE_UTF8:
        bson_iter_utf8(updated_at, &length);
        *ret_lane = LANE_TEXT;
        return length <= TEXT_AT_MAX_BYTES;
    default:
        return false;
    }
}

void document_mark_set(bson_t *mark, const bson_iter_t *updated_at, const bson_iter_t *id)
{
    bson_reinit(mark);
    bson_append_iter(mark, "at", 2, updated_at);
    bson_append_iter(mark, "id", 2, id);
}

/* Whether the _id comes back the same from the text that a position is kept as. */
static bool can_be_kept(const bson_iter_t *id)
{
    uint32_t length;
    const char *text;
    switch (bson_iter_type(id)) {
    case BSON_TYPE_UTF8:
        text = bson_iter_utf8(id, &length);
        return length <= DOCUMENT_POSITION_ID_MAX_BYTES && bson_utf8_validate(text, length, false);
    case BSON_TYPE_INT32:
    case BSON_TYPE_INT64:
    case BSON_TYPE_OID:
    case BSON_TYPE_DATE_TIME:
    case BSON_TYPE_BOOL:
        return true;
    case BSON_TYPE_DOUBLE:
        return isfinite(bson_iter_double(id));
    default:
        return false;
    }
}

static bool mark_find(const bson_t *mark, const char *name, bson_iter_t *ret_value)
{
    return bson_iter_init_find(ret_value, mark, name);
}

void document_position_advance(DocumentPosition *position, DocumentLane lane, const bson_t *mark, Instant now)
{
    bson_iter_t at, id, before;
    Instant instant, instant_before;
    DocumentLane found;
    bson_t *kept = &position->lanes[lane];
    if (!mark_find(mark, "at", &at) || !document_lane_of(&at, &found, &instant) || found != lane || instant > now)
        return;
    if (mark_find(kept, "at", &before) && document_lane_of(&before, &found, &instant_before) &&
        instant < instant_before)
        return;
    bson_reinit(kept);
    bson_append_iter(kept, "at", 2, &at);
    if (mark_find(mark, "id", &id) && can_be_kept(&id))
        bson_append_iter(kept, "id", 2, &id);
    position->is_used[lane] = true;
}

void document_position_complete(DocumentPosition *position, DocumentLane lane)
{
    bson_iter_t at;
    bson_t rest = BSON_INITIALIZER;
    if (mark_find(&position->lanes[lane], "at", &at))
        bson_append_iter(&rest, "at", 2, &at);
    bson_destroy(&position->lanes[lane]);
    bson_steal(&position->lanes[lane], &rest);
}

bool document_position_is_midway(const DocumentPosition *position, DocumentLane lane)
{
    bson_iter_t id;
    return mark_find(&position->lanes[lane], "id", &id);
}

Instant document_position_instant(const DocumentPosition *position)
{
    Instant newest = INSTANT_NONE, instant;
    for (int i = 0; i < DOCUMENT_LANES; i++) {
        bson_iter_t at;
        DocumentLane lane;
        if (mark_find(&position->lanes[i], "at", &at) && document_lane_of(&at, &lane, &instant) && instant > newest)
            newest = instant;
    }
    return newest;
}

/* ---- filters ---- */

/* In the form of `like`, a text of the same lane, so that texts compare as their instants do. */
static void append_text_instant(bson_t *out, const char *operation, Instant instant, const char *like)
{
    char text[INSTANT_TEXT_MAX];
    instant_format(instant < 0 ? 0 : instant, text);
    text[TEXT_SECONDS_LENGTH] = '\0';
    if (strlen(like) > TEXT_SECONDS_LENGTH)
        text[10] = like[10];
    bson_append_utf8(out, operation, -1, text, -1);
}

/* An instant as the lane's documents write it. `like` is one of their values; NULL: none is known. */
static void append_instant(bson_t *out, const char *operation, DocumentLane lane, Instant instant,
                           const bson_iter_t *like)
{
    switch (lane) {
    case LANE_DATE:
        bson_append_date_time(out, operation, -1, instant / 1000);
        break;
    case LANE_NUMBER:
        bson_append_double(out, operation, -1,
                           like && fabs(bson_iter_as_double(like)) < seconds_below
                               ? (double)instant / INSTANT_PER_SECOND
                               : (double)instant / 1000);
        break;
    default:
        append_text_instant(out, operation, instant, like ? bson_iter_utf8(like, NULL) : "");
    }
}

static bool is_utc(const bson_iter_t *text)
{
    uint32_t length;
    const char *at = bson_iter_utf8(text, &length);
    return length > 0 && (at[length - 1] == 'Z' || at[length - 1] == 'z');
}

static void append_first(bson_t *out, DocumentLane lane)
{
    if (lane == LANE_DATE)
        bson_append_date_time(out, "$gte", -1, INT64_MIN / 2);
    else if (lane == LANE_NUMBER)
        bson_append_double(out, "$gte", -1, -HUGE_VAL);
    else
        bson_append_utf8(out, "$gte", -1, "", -1);
}

/* Up to now: what lies in the future is not asked for again and again until then. */
static void append_last(bson_t *out, DocumentLane lane, Instant now, const bson_iter_t *like)
{
    Instant last = now + DOCUMENT_FUTURE_S * INSTANT_PER_SECOND;
    if (lane == LANE_TEXT)
        last += DOCUMENT_TIME_ZONES_S * INSTANT_PER_SECOND;
    append_instant(out, "$lte", lane, last, like);
}

void document_filter_begin(const DocumentPosition *position, DocumentLane lane, const char *updated_at_path,
                           int64_t overlap_s, Instant now, bson_t *ret_filter)
{
    bson_t range;
    bson_iter_t at;
    DocumentLane found;
    Instant instant;
    if (document_position_is_midway(position, lane)) {
        document_filter_after(&position->lanes[lane], lane, updated_at_path, now, ret_filter);
        return;
    }
    bson_init(ret_filter);
    bson_append_document_begin(ret_filter, updated_at_path, -1, &range);
    if (mark_find(&position->lanes[lane], "at", &at) && document_lane_of(&at, &found, &instant)) {
        if (lane == LANE_TEXT && !is_utc(&at))
            overlap_s += DOCUMENT_TIME_ZONES_S;
        append_instant(&range, "$gte", lane, instant - overlap_s * INSTANT_PER_SECOND, &at);
        append_last(&range, lane, now, &at);
    } else {
        append_first(&range, lane);
        append_last(&range, lane, now, NULL);
    }
    bson_append_document_end(ret_filter, &range);
}

/* The types that come after the _id's own in MongoDB's order of types; a comparison never finds them. */
static void append_later_types(bson_t *out, bson_type_t type)
{
    static const struct {
        int order;
        bson_type_t type;
    } ordered[] = {
        {1, BSON_TYPE_NULL},       {2, BSON_TYPE_DOUBLE}, {2, BSON_TYPE_INT32},  {2, BSON_TYPE_INT64},
        {2, BSON_TYPE_DECIMAL128}, {3, BSON_TYPE_UTF8},   {3, BSON_TYPE_SYMBOL}, {4, BSON_TYPE_DOCUMENT},
        {5, BSON_TYPE_BINARY},     {6, BSON_TYPE_OID},    {7, BSON_TYPE_BOOL},   {8, BSON_TYPE_DATE_TIME},
        {9, BSON_TYPE_TIMESTAMP},  {10, BSON_TYPE_REGEX},
    };
    enum { TYPES = sizeof ordered / sizeof *ordered };
    int own = TYPES;
    uint32_t count = 0;
    bson_t types;
    for (size_t i = 0; i < TYPES; i++) {
        if (ordered[i].type == type)
            own = ordered[i].order;
    }
    bson_append_array_begin(out, "$type", -1, &types);
    for (size_t i = 0; i < TYPES; i++) {
        char buffer[16];
        const char *key;
        if (ordered[i].order <= own)
            continue;
        bson_uint32_to_string(count++, &key, buffer, sizeof buffer);
        bson_append_int32(&types, key, -1, (int)ordered[i].type);
    }
    if (count == 0) /* an empty list is an error; MaxKey is the last of all */
        bson_append_int32(&types, "0", -1, 127);
    bson_append_array_end(out, &types);
}

void document_filter_after(const bson_t *mark, DocumentLane lane, const char *updated_at_path, Instant now,
                           bson_t *ret_filter)
{
    bson_iter_t at, id;
    bson_t range, ways, way, comparison;
    bson_init(ret_filter);
    if (!mark_find(mark, "at", &at) || !mark_find(mark, "id", &id))
        return;
    bson_append_document_begin(ret_filter, updated_at_path, -1, &range);
    bson_append_iter(&range, "$gte", -1, &at);
    append_last(&range, lane, now, lane == LANE_DATE ? NULL : &at);
    bson_append_document_end(ret_filter, &range);

    bson_append_array_begin(ret_filter, "$or", -1, &ways);
    bson_append_document_begin(&ways, "0", -1, &way);
    bson_append_document_begin(&way, updated_at_path, -1, &comparison);
    bson_append_iter(&comparison, "$gt", -1, &at);
    bson_append_document_end(&way, &comparison);
    bson_append_document_end(&ways, &way);
    bson_append_document_begin(&ways, "1", -1, &way);
    bson_append_iter(&way, updated_at_path, -1, &at);
    bson_append_document_begin(&way, "_id", -1, &comparison);
    bson_append_iter(&comparison, "$gt", -1, &id);
    bson_append_document_end(&way, &comparison);
    bson_append_document_end(&ways, &way);
    bson_append_document_begin(&ways, "2", -1, &way);
    bson_append_iter(&way, updated_at_path, -1, &at);
    bson_append_document_begin(&way, "_id", -1, &comparison);
    append_later_types(&comparison, bson_iter_type(&id));
    bson_append_document_end(&way, &comparison);
    bson_append_document_end(&ways, &way);
    bson_append_array_end(ret_filter, &ways);
}
