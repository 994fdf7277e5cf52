#include "services/ingest/sql_source/source_row.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "common/buffer.h"
#include "services/ingest/entities/entity_value.h"

/* Of Postgres' pg_type.dat. */
enum {
    OID_BOOL = 16,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_JSON = 114,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_DATE = 1082,
    OID_TIMESTAMP = 1114,
    OID_TIMESTAMPTZ = 1184,
    OID_NUMERIC = 1700,
    OID_JSONB = 3802,
};

enum { TYPES_OF_ENTITY_MAX = 6, ORIGINAL_LIMIT_BYTES = 16 << 20 };

/* Types of the source whose texts always are values of the entity's type. */
static const uint32_t good_types[][TYPES_OF_ENTITY_MAX] = {
    [ENTITY_TEXT] = {0},
    [ENTITY_INTEGER] = {OID_INT8, OID_INT4, OID_INT2},
    [ENTITY_REAL] = {OID_FLOAT8, OID_FLOAT4, OID_NUMERIC, OID_INT8, OID_INT4, OID_INT2},
    [ENTITY_DECIMAL] = {OID_NUMERIC, OID_INT8, OID_INT4, OID_INT2},
    [ENTITY_BOOLEAN] = {OID_BOOL},
    [ENTITY_INSTANT] = {OID_TIMESTAMPTZ, OID_TIMESTAMP},
    [ENTITY_DATE] = {OID_DATE},
    [ENTITY_JSON] = {OID_JSONB, OID_JSON},
};

static bool is_good_type(uint32_t oid, EntityType type)
{
    for (size_t i = 0; i < TYPES_OF_ENTITY_MAX; i++)
        if (good_types[type][i] == oid)
            return true;
    return type == ENTITY_TEXT;
}

RowMap *row_map_new(const Entity *entity, const PgoutputColumn *columns, size_t count, Arena *arena)
{
    RowMap *map = arena_zalloc(arena, sizeof *map);
    PgoutputColumn *copies = arena_array(arena, count, sizeof *copies);
    map->entity = entity;
    map->count = count;
    map->columns = copies;
    map->places = arena_array(arena, entity->columns_count, sizeof *map->places);
    map->is_mapped = arena_array(arena, count, sizeof *map->is_mapped);
    map->updated_at = -1;
    for (size_t i = 0; i < count; i++) {
        copies[i] = columns[i];
        copies[i].name = arena_strdup(arena, columns[i].name);
        if (entity->updated_at != NULL && strcmp(entity->updated_at, columns[i].name) == 0) {
            map->updated_at = (int)i;
            map->is_mapped[i] = true;
        }
    }
    for (size_t k = 0; k < entity->columns_count; k++) {
        map->places[k] = -1;
        for (size_t i = 0; i < count; i++)
            if (strcmp(entity->columns[k].from, columns[i].name) == 0) {
                map->places[k] = (int)i;
                map->is_mapped[i] = true;
            }
    }
    return map;
}

bool row_map_identity_holds_key(const RowMap *map)
{
    for (size_t k = 0; k < map->entity->columns_count; k++)
        if (map->entity->columns[k].key && (map->places[k] < 0 || !map->columns[map->places[k]].is_identity))
            return false;
    return true;
}

bool row_map_has_watermark(const RowMap *map)
{
    return map->updated_at >= 0 && is_good_type(map->columns[map->updated_at].type_oid, ENTITY_INSTANT);
}

bool row_map_same_key(const RowMap *map, const char *const *values, const char *const *other)
{
    for (size_t k = 0; k < map->entity->columns_count; k++) {
        if (!map->entity->columns[k].key || map->places[k] < 0)
            continue;
        const char *a = values[map->places[k]], *b = other[map->places[k]];
        if (a == pgoutput_unchanged || b == pgoutput_unchanged || a == b)
            continue;
        if (a == NULL || b == NULL || strcmp(a, b) != 0)
            return false;
    }
    return true;
}

bool row_map_has_unchanged(const RowMap *map, const char *const *values)
{
    for (size_t i = 0; i < map->count; i++)
        if (values[i] == pgoutput_unchanged)
            return true;
    return false;
}

Instant source_instant(const char *text)
{
    char rfc[INSTANT_TEXT_MAX];
    Instant instant;
    size_t length = text == NULL ? 0 : strlen(text);
    if (length < 19 || length > 30)
        return INSTANT_NONE;
    if (strcmp(text + length - 3, "+00") == 0)
        length -= 3;
    memcpy(rfc, text, length);
    rfc[length] = 'Z';
    return instant_parse_n(rfc, length + 1, &instant, NULL) ? instant : INSTANT_NONE;
}

static bool is_plain_number(const char *text)
{
    /* As JSON wants them: no leading plus, point or zeros. */
    const char *why, *digits = text + (*text == '-');
    return isdigit((unsigned char)*digits) && (digits[0] != '0' || !isdigit((unsigned char)digits[1])) &&
           text[strlen(text) - 1] != '.' && entity_value_check(ENTITY_DECIMAL, text, &why);
}

static void append_json_value(Buffer *json, uint32_t oid, const char *value)
{
    const char *why;
    switch (oid) {
    case OID_BOOL:
        buffer_append_text(json, strcmp(value, "t") == 0 ? "true" : "false");
        return;
    case OID_INT2:
    case OID_INT4:
    case OID_INT8:
    case OID_FLOAT4:
    case OID_FLOAT8:
    case OID_NUMERIC:
        if (is_plain_number(value)) {
            buffer_append_text(json, value);
            return;
        }
        break;
    case OID_JSON:
    case OID_JSONB:
        if (entity_value_check(ENTITY_JSON, value, &why)) {
            buffer_append_text(json, value);
            return;
        }
        break;
    }
    buffer_append_json_string(json, value);
}

/* An object of the columns that were sent, all or only those that are not mapped; NULL when there are none, or too much
 * of them: *ret_problem then says so. */
static const char *columns_json(const RowMap *map, const char *const *values, bool all, Arena *arena,
                                const char **ret_problem)
{
    BUFFER_SCOPED Buffer json = {0};
    buffer_init(&json, all ? ORIGINAL_LIMIT_BYTES : ENTITY_VALUE_MAX_BYTES);
    for (size_t i = 0; i < map->count; i++) {
        if ((!all && map->is_mapped[i]) || values[i] == pgoutput_unchanged)
            continue;
        buffer_append_char(&json, json.length_bytes == 0 ? '{' : ',');
        buffer_append_json_string(&json, map->columns[i].name);
        buffer_append_char(&json, ':');
        if (values[i] == NULL)
            buffer_append_text(&json, "null");
        else
            append_json_value(&json, map->columns[i].type_oid, values[i]);
    }
    if (json.length_bytes == 0)
        return NULL;
    buffer_append_char(&json, '}');
    if (!buffer_ok(&json, NULL)) {
        *ret_problem = "extra: the columns that the mapping does not name are longer than 1 MiB";
        return NULL;
    }
    return arena_strndup(arena, json.data, json.length_bytes);
}

static void note_drift(const RowMap *map, SchemaDrift *drift)
{
    const Entity *entity = map->entity;
    char type[24];
    for (size_t i = 0; i < map->count; i++)
        if (!map->is_mapped[i]) {
            snprintf(type, sizeof type, "type %u", map->columns[i].type_oid);
            schema_drift_note(drift, entity->from, map->columns[i].name, DRIFT_UNKNOWN_FIELD, type);
        }
    for (size_t k = 0; k < entity->columns_count; k++) {
        const EntityColumn *column = &entity->columns[k];
        if (map->places[k] < 0) {
            schema_drift_note(drift, entity->from, column->from, DRIFT_MISSING_FIELD, "");
            continue;
        }
        uint32_t oid = map->columns[map->places[k]].type_oid;
        if (!is_good_type(oid, column->type)) {
            snprintf(type, sizeof type, "type %u", oid);
            schema_drift_note(drift, entity->from, column->from, DRIFT_OTHER_TYPE, type);
        }
    }
}

static EntityValue *map_values(const RowMap *map, const char *const *values, bool keys_only, Arena *arena)
{
    const Entity *entity = map->entity;
    EntityValue *mapped = arena_array(arena, entity->columns_count, sizeof *mapped);
    for (size_t k = 0; k < entity->columns_count; k++) {
        const char *value = map->places[k] < 0 ? NULL : values[map->places[k]];
        if (!keys_only || entity->columns[k].key)
            mapped[k] = value == pgoutput_unchanged ? entity_value_unchanged : value;
    }
    return mapped;
}

void row_map_put(const RowMap *map, const char *const *values, Instant at, Arena *arena, SchemaDrift *drift,
                 EntityChange *ret_change)
{
    const char *problem = NULL, *ignored = NULL;
    Instant updated_at = map->updated_at < 0 ? INSTANT_NONE : source_instant(values[map->updated_at]);
    note_drift(map, drift);
    *ret_change = (EntityChange){
        .entity = map->entity,
        .kind = ENTITY_PUT,
        .valid_from = updated_at == INSTANT_NONE ? at : updated_at,
        .row.values = map_values(map, values, false, arena),
        .row.extra = columns_json(map, values, false, arena, &problem),
        .original = columns_json(map, values, true, arena, &ignored),
    };
    ret_change->problems = problem;
}

void row_map_delete(const RowMap *map, const char *const *values, Instant at, Arena *arena, EntityChange *ret_change)
{
    *ret_change = (EntityChange){
        .entity = map->entity,
        .kind = ENTITY_DELETE,
        .valid_from = at,
        .row.values = map_values(map, values, true, arena),
    };
}
