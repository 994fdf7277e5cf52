#include <stdlib.h>
#include <string.h>
#include "common/json.h"
#include "services/ingest/document_source/document_mapping.h"
#include "services/ingest/document_source/document_position.h"
#include "services/ingest/entities/entity_value.h"
#include "tests/fuzz/fuzz.h"

static void note(void *context, const char *path, DriftKind kind, const char *value_type)
{
    (void)context;
    if (strlen(path) > DRIFT_PATH_MAX_BYTES || kind > DRIFT_OTHER_TYPE || !value_type)
        abort();
}

static void check_json(const char *text)
{
    json_t *json = text ? json_loads(text, JSON_ALLOW_NUL, NULL) : NULL;
    if (text && !json)
        abort();
    json_decref(json);
}

/* What no problem is told of must be fit for Postgres. */
static void check_row(const Entity *entity, const EntityRow *row, bool has_problems)
{
    check_json(row->extra);
    for (size_t i = 0; i < entity->columns_count && !has_problems; i++) {
        const char *why;
        if (row->values[i] && !entity_value_check(entity->columns[i].type, row->values[i], &why))
            abort();
    }
}

static void check_change(const EntityChange *change)
{
    check_json(change->original);
    check_row(change->entity, &change->row, change->problems != NULL);
    for (size_t i = 0; i < change->entity->children_count; i++) {
        for (size_t k = 0; k < change->children[i].count; k++)
            check_row(&change->entity->children[i], &change->children[i].rows[k], change->problems != NULL);
    }
}

static void check_position(const bson_t *document, const char *path, Arena *arena)
{
    bson_iter_t value, id;
    DocumentLane lane;
    Instant instant;
    Error err;
    if (!document_find(document, path, &value) || !bson_iter_init_find(&id, document, "_id") ||
        !document_lane_of(&value, &lane, &instant))
        return;
    bson_t mark = BSON_INITIALIZER, filter;
    DocumentPosition position;
    document_position_init(&position);
    document_mark_set(&mark, &value, &id);
    document_position_advance(&position, lane, &mark, INT64_MAX);
    document_filter_begin(&position, lane, path, 60, instant, &filter);
    const char *text = document_position_format(&position, arena);
    if (!document_position_parse(&position, text, &err) ||
        strcmp(text, document_position_format(&position, arena)) != 0)
        abort();
    bson_destroy(&filter);
    bson_destroy(&mark);
    document_position_fini(&position);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length_bytes)
{
    static Arena *mapping_arena, *arena;
    static EntityMapping mapping;
    static DocumentPlan *plans[2];
    Error err;
    if (!arena) {
        arena = arena_new();
        mapping_arena = arena_new();
        if (!entity_mapping_load("", entity_mapping_company_documents, "shipped", mapping_arena, &mapping, &err))
            abort();
        for (size_t i = 0; i < 2; i++)
            plans[i] = document_plan_new(&mapping.entities[i], mapping_arena);
    }
    bson_t document;
    if (!bson_init_static(&document, data, length_bytes))
        return 0;
    for (size_t i = 0; i < 2; i++) {
        EntityChange change;
        arena_reset(arena);
        document_read(plans[i], &document, note, NULL, arena, &change);
        check_change(&change);
        check_position(&document, mapping.entities[i].updated_at, arena);
    }
    return 0;
}

void fuzz_seeds(FuzzTake *take)
{
    static const char *const seeds[] = {
        "{\"_id\":\"B1\",\"kind\":\"shop\",\"city\":\"X\",\"location\":{\"type\":\"Point\",\"coordinates\":[-60.6,-32."
        "9]},"
        "\"opening_hours\":[{\"weekday\":0,\"open\":\"08:00\",\"close\":\"22:00\"}],\"capacity\":{\"orders_per_hour\":"
        "7},"
        "\"updated_at\":{\"$date\":\"2026-01-01T00:00:00Z\"}}",
        "{\"_id\":{\"$oid\":\"5f43a1b2c3d4e5f601234567\"},\"home_geo\":\"g\",\"vehicle\":{\"kind\":\"car\",\"plate\":"
        "\"001-0002\"},\"shifts\":[{\"weekday\":6,\"from_hour\":8,\"hours\":4},7],\"rating\":{\"$numberDecimal\":\"4."
        "5\"},"
        "\"updated_at\":\"2026-01-01T00:00:00Z\",\"more\":{\"$binary\":{\"base64\":\"AA==\",\"subType\":\"00\"}}}",
        "{\"_id\":5,\"rating\":{\"$numberDouble\":\"NaN\"},\"updated_at\":{\"$numberLong\":\"1780308000123\"},\"x\":{"
        "\"$"
        "regularExpression\":{\"pattern\":\"a\",\"options\":\"i\"}},\"y\":{\"$timestamp\":{\"t\":1,\"i\":2}},\"z\":{\"$"
        "minKey\":1},\"w\":{\"$code\":\"x\"},\"v\":{\"$undefined\":true}}",
    };
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        bson_error_t failure;
        bson_t *document = bson_new_from_json((const uint8_t *)seeds[i], -1, &failure);
        if (!document)
            abort();
        take(bson_get_data(document), document->len);
        bson_destroy(document);
    }
}
