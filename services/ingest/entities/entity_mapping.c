#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/json.h"
#include "services/ingest/entities/entity.h"
#include "services/ingest/entities/entity_value.h"

enum { TEXT_MAX_BYTES = 500, TYPES_COUNT = ENTITY_JSON + 1 };

/* Where the parser is: errors name it. */
typedef struct Place {
    Arena *arena;
    const char *pointer;
} Place;

static const char *const mapping_keys[] = {"source", "version", "entities", NULL};
static const char *const entity_keys[] = {"entity",   "from",      "description", "owner",    "updated_at", "subject",
                                          "latitude", "longitude", "columns",     "children", NULL};
static const char *const child_keys[] = {"entity", "from", "description", "columns", NULL};
static const char *const column_keys[] = {"name",     "from",       "type",    "description", "key",    "required",
                                          "personal", "references", "minimum", "maximum",     "one_of", NULL};

/* Columns that Rushcast adds itself. */
static const char *const reserved_columns[] = {"valid_from",  "valid_to", "batch_id", "change_no",
                                               "recorded_at", "deleted",  "extra",    "kept",
                                               "commit_seq",  "position", NULL};

static bool is_listed(const char *name, const char *const *list)
{
    while (*list && strcmp(*list, name) != 0)
        list++;
    return *list != NULL;
}

static const char *join(Arena *arena, const char *const *list)
{
    const char *text = *list;
    while (*++list)
        text = arena_printf(arena, "%s, %s", text, *list);
    return text;
}

#define FAIL(place, format, ...)                                                                                       \
    error_set_at(err, ERROR_UNPROCESSABLE, (place).pointer, "%s: " format,                                             \
                 (place).pointer[0] ? (place).pointer : "the file" __VA_OPT__(, ) __VA_ARGS__)

static Place at_key(Place place, const char *key)
{
    return (Place){place.arena, arena_printf(place.arena, "%s/%s", place.pointer, key)};
}

static Place at_index(Place place, size_t index)
{
    return (Place){place.arena, arena_printf(place.arena, "%s/%zu", place.pointer, index)};
}

static bool check_object(const json_t *object, Place place, const char *const *keys, Error *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return FAIL(place, "an object is needed");
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (!is_listed(key, keys))
            return FAIL(at_key(place, key), "there is no such key; allowed are %s", join(place.arena, keys));
    }
    return true;
}

/* A text that is there; NULL in *ret_text when it is optional and absent. */
static bool read_text(const json_t *object, Place place, const char *key, bool optional, const char **ret_text,
                      Error *err)
{
    json_t *value = json_object_get(object, key);
    if (!value && optional) {
        *ret_text = NULL;
        return true;
    }
    if (!value)
        return FAIL(at_key(place, key), "is missing");
    if (!json_is_string(value) || json_string_length(value) == 0 || json_string_length(value) > TEXT_MAX_BYTES)
        return FAIL(at_key(place, key), "a text of 1 to %d bytes is needed", TEXT_MAX_BYTES);
    *ret_text = arena_strdup(place.arena, json_string_value(value));
    return true;
}

static bool read_flag(const json_t *object, Place place, const char *key, bool *ret_flag, Error *err)
{
    json_t *value = json_object_get(object, key);
    if (value && !json_is_boolean(value))
        return FAIL(at_key(place, key), "true or false is needed");
    *ret_flag = json_is_true(value);
    return true;
}

static bool read_name(const json_t *object, Place place, const char *key, const char **ret_name, Error *err)
{
    const char *name;
    if (!read_text(object, place, key, false, &name, err))
        return false;
    size_t length = strlen(name);
    if (length > ENTITY_NAME_MAX_BYTES || name[0] < 'a' || name[0] > 'z' ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != length)
        return FAIL(at_key(place, key),
                    "\"%s\" is no name: at most %d of a-z, 0-9 and _, beginning with a letter, are needed", name,
                    ENTITY_NAME_MAX_BYTES);
    *ret_name = name;
    return true;
}

static bool has_suffix(const char *text, const char *suffix)
{
    size_t length = strlen(text), tail = strlen(suffix);
    return length >= tail && strcmp(text + length - tail, suffix) == 0;
}

static bool read_entity_name(const json_t *object, Place place, Entity *entity, Error *err)
{
    if (!read_name(object, place, "entity", &entity->name, err))
        return false;
    if (has_suffix(entity->name, "_history") || has_suffix(entity->name, "_as_of"))
        return FAIL(at_key(place, "entity"), "names that end in _history or _as_of are Rushcast's own");
    return true;
}

static bool read_type(const json_t *object, Place place, EntityType *ret_type, Error *err)
{
    const char *name;
    if (!read_text(object, place, "type", false, &name, err))
        return false;
    for (int type = 0; type < TYPES_COUNT; type++) {
        if (strcmp(entity_type_name((EntityType)type), name) == 0) {
            *ret_type = (EntityType)type;
            return true;
        }
    }
    return FAIL(at_key(place, "type"),
                "\"%s\" is no type; allowed are text, integer, real, decimal, boolean, instant, date, json", name);
}

static bool is_number(EntityType type)
{
    return type == ENTITY_INTEGER || type == ENTITY_REAL || type == ENTITY_DECIMAL;
}

static bool read_bound(const json_t *object, Place place, const char *key, EntityType type, const char **ret_bound,
                       Error *err)
{
    const json_t *value = json_object_get(object, key);
    *ret_bound = NULL;
    if (!value)
        return true;
    if (!is_number(type))
        return FAIL(at_key(place, key), "only columns of type integer, real and decimal have bounds");
    if (json_is_number(value)) {
        char *text = json_dumps(value, JSON_ENCODE_ANY);
        *ret_bound = arena_strdup(place.arena, text);
        free(text);
        return true;
    }
    const char *why;
    if (!json_is_string(value) || !entity_value_check(ENTITY_DECIMAL, json_string_value(value), &why))
        return FAIL(at_key(place, key), "a number, or a decimal number as text, is needed");
    *ret_bound = arena_strdup(place.arena, json_string_value(value));
    return true;
}

static bool read_one_of(const json_t *object, Place place, EntityType type, const char *const **ret_values, Error *err)
{
    const json_t *list = json_object_get(object, "one_of");
    *ret_values = NULL;
    if (!list)
        return true;
    size_t count = json_array_size(list);
    if (count == 0 || count > ENTITY_ONE_OF_MAX)
        return FAIL(at_key(place, "one_of"), "a list of 1 to %d texts is needed", ENTITY_ONE_OF_MAX);
    if (type != ENTITY_TEXT && type != ENTITY_INTEGER)
        return FAIL(at_key(place, "one_of"), "only columns of type text and integer have a list of values");
    const char **values = arena_array(place.arena, count + 1, sizeof *values);
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(list, i);
        if (!json_is_string(value))
            return FAIL(at_index(at_key(place, "one_of"), i), "a text is needed");
        values[i] = arena_strdup(place.arena, json_string_value(value));
    }
    *ret_values = values;
    return true;
}

static bool check_key_column(const EntityColumn *column, const Entity *parent, Place place, Error *err)
{
    if (!column->key)
        return true;
    if (parent)
        return FAIL(at_key(place, "key"), "a child's key is its parent's, and the position in the array");
    if (column->personal)
        return FAIL(at_key(place, "personal"), "a key can't be kept apart: map a pseudonym of the person as the key");
    if (column->type != ENTITY_TEXT && column->type != ENTITY_INTEGER && column->type != ENTITY_DATE)
        return FAIL(at_key(place, "type"), "a key is of type text, integer or date");
    return true;
}

static bool read_column(const json_t *object, Place place, const Entity *parent, EntityColumn *column, Error *err)
{
    if (!check_object(object, place, column_keys, err) || !read_name(object, place, "name", &column->name, err) ||
        !read_text(object, place, "from", true, &column->from, err) ||
        !read_text(object, place, "description", false, &column->description, err) ||
        !read_type(object, place, &column->type, err) || !read_flag(object, place, "key", &column->key, err) ||
        !read_flag(object, place, "required", &column->required, err) ||
        !read_flag(object, place, "personal", &column->personal, err) ||
        !read_text(object, place, "references", true, &column->references, err) ||
        !read_bound(object, place, "minimum", column->type, &column->minimum, err) ||
        !read_bound(object, place, "maximum", column->type, &column->maximum, err) ||
        !read_one_of(object, place, column->type, &column->one_of, err))
        return false;
    if (is_listed(column->name, reserved_columns))
        return FAIL(at_key(place, "name"), "the name is taken by one of the columns that Rushcast adds: %s",
                    join(place.arena, reserved_columns));
    if (!column->from)
        column->from = column->name;
    column->required = column->required || column->key;
    if (column->references && column->personal)
        return FAIL(at_key(place, "references"), "a column that is kept apart can't refer to anything");
    return check_key_column(column, parent, place, err);
}

static bool read_columns(const json_t *object, Place place, Entity *entity, Error *err)
{
    const json_t *list = json_object_get(object, "columns");
    size_t count = json_array_size(list), keys = 0;
    Place columns = at_key(place, "columns");
    if (count == 0 || count > ENTITY_COLUMNS_MAX)
        return FAIL(columns, "a list of 1 to %d columns is needed", ENTITY_COLUMNS_MAX);
    entity->columns = arena_array(place.arena, count, sizeof *entity->columns);
    for (size_t i = 0; i < count; i++) {
        EntityColumn column = {0};
        Place at = at_index(columns, i);
        if (!read_column(json_array_get(list, i), at, entity->parent, &column, err))
            return false;
        if (entity_column_index(entity, column.name) >= 0)
            return FAIL(at_key(at, "name"), "the name is there twice");
        if (entity->parent && entity_column_index(entity->parent, column.name) >= 0 &&
            entity->parent->columns[entity_column_index(entity->parent, column.name)].key)
            return FAIL(at_key(at, "name"), "the name is that of a key column of the parent");
        keys += column.key;
        entity->columns[entity->columns_count++] = column;
    }
    if (!entity->parent && (keys == 0 || keys > ENTITY_KEY_COLUMNS_MAX))
        return FAIL(columns, "1 to %d columns with \"key\": true are needed", ENTITY_KEY_COLUMNS_MAX);
    return true;
}

static const EntityColumn *find_named(const Entity *entity, const char *name)
{
    int index = entity_column_index(entity, name);
    return index < 0 ? NULL : &entity->columns[index];
}

static bool check_subject(const Entity *entity, Place place, Error *err)
{
    const EntityColumn *column = entity->subject ? find_named(entity, entity->subject) : NULL;
    if (entity->subject && (!column || column->personal || column->type != ENTITY_TEXT))
        return FAIL(at_key(place, "subject"), "the name of a column of type text that is not personal is needed");
    return true;
}

static size_t count_keys(const Entity *entity)
{
    size_t keys = 0;
    for (size_t i = 0; i < entity->columns_count; i++)
        keys += entity->columns[i].key;
    return keys;
}

static bool check_location(const Entity *entity, Place place, Error *err)
{
    if (!entity->latitude && !entity->longitude)
        return true;
    const EntityColumn *latitude = entity->latitude ? find_named(entity, entity->latitude) : NULL;
    const EntityColumn *longitude = entity->longitude ? find_named(entity, entity->longitude) : NULL;
    if (!latitude || !longitude || latitude->type != ENTITY_REAL || longitude->type != ENTITY_REAL ||
        latitude->personal || longitude->personal)
        return FAIL(at_key(place, "latitude"), "latitude and longitude name two columns of type real");
    if (count_keys(entity) != 1)
        return FAIL(at_key(place, "latitude"), "an entity with a location has one key column, the branch");
    return true;
}

static bool read_child(const json_t *object, Place place, const Entity *parent, Entity *child, Error *err)
{
    child->parent = parent;
    child->mapping = parent->mapping;
    child->owner = parent->owner;
    return check_object(object, place, child_keys, err) && read_entity_name(object, place, child, err) &&
           read_text(object, place, "from", false, &child->from, err) &&
           read_text(object, place, "description", false, &child->description, err) &&
           read_columns(object, place, child, err);
}

static bool read_children(const json_t *object, Place place, Entity *entity, Error *err)
{
    const json_t *list = json_object_get(object, "children");
    Place children = at_key(place, "children");
    if (!list)
        return true;
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count > ENTITY_CHILDREN_MAX)
        return FAIL(children, "a list of at most %d children is needed", ENTITY_CHILDREN_MAX);
    entity->children = arena_array(place.arena, count, sizeof *entity->children);
    entity->children_count = count;
    for (size_t i = 0; i < count; i++) {
        if (!read_child(json_array_get(list, i), at_index(children, i), entity, &entity->children[i], err))
            return false;
    }
    return true;
}

static bool read_entity(const json_t *object, Place place, Entity *entity, Error *err)
{
    return check_object(object, place, entity_keys, err) && read_entity_name(object, place, entity, err) &&
           read_text(object, place, "from", false, &entity->from, err) &&
           read_text(object, place, "description", false, &entity->description, err) &&
           read_text(object, place, "owner", false, &entity->owner, err) &&
           read_text(object, place, "updated_at", true, &entity->updated_at, err) &&
           read_text(object, place, "subject", true, &entity->subject, err) &&
           read_text(object, place, "latitude", true, &entity->latitude, err) &&
           read_text(object, place, "longitude", true, &entity->longitude, err) &&
           read_columns(object, place, entity, err) && check_subject(entity, place, err) &&
           check_location(entity, place, err) && read_children(object, place, entity, err);
}

static bool check_unique(const EntityMapping *mapping, const Entity *entity, Place place, Error *err)
{
    size_t found = 0;
    for (size_t i = 0; i < mapping->entities_count; i++) {
        const Entity *other = &mapping->entities[i];
        found += strcmp(other->name, entity->name) == 0;
        for (size_t c = 0; c < other->children_count; c++)
            found += strcmp(other->children[c].name, entity->name) == 0;
    }
    return found == 1 || FAIL(at_key(place, "entity"), "the name \"%s\" is there twice", entity->name);
}

static bool check_references(const EntityMapping *mapping, const Entity *entity, Place place, Error *err)
{
    for (size_t i = 0; i < entity->columns_count; i++) {
        EntityColumn *column = &entity->columns[i];
        if (!column->references)
            continue;
        Place at = at_key(at_index(at_key(place, "columns"), i), "references");
        const Entity *referenced = entity_find(mapping, column->references);
        if (!referenced || referenced->parent || count_keys(referenced) != 1)
            return FAIL(at, "the name of an entity of this file with one key column is needed, not \"%s\"",
                        column->references);
        for (size_t k = 0; k < referenced->columns_count; k++) {
            if (referenced->columns[k].key && referenced->columns[k].type != column->type)
                return FAIL(at, "the key of %s is of type %s", column->references,
                            entity_type_name(referenced->columns[k].type));
        }
    }
    return true;
}

static bool check_entities(const EntityMapping *mapping, Place entities, Error *err)
{
    for (size_t i = 0; i < mapping->entities_count; i++) {
        const Entity *entity = &mapping->entities[i];
        Place place = at_index(entities, i);
        if (!check_unique(mapping, entity, place, err) || !check_references(mapping, entity, place, err))
            return false;
        for (size_t c = 0; c < entity->children_count; c++) {
            Place child = at_index(at_key(place, "children"), c);
            if (!check_unique(mapping, &entity->children[c], child, err) ||
                !check_references(mapping, &entity->children[c], child, err))
                return false;
        }
    }
    return true;
}

/* Whether all that the columns refer to, but the entity itself, is among the first `count`. */
static bool refers_back(const Entity *entity, const char *self, const Entity *first, size_t count)
{
    for (size_t i = 0; i < entity->columns_count; i++) {
        const char *name = entity->columns[i].references;
        size_t at = 0;
        while (name && at < count && strcmp(first[at].name, name) != 0)
            at++;
        if (name && at == count && strcmp(name, self) != 0)
            return false;
    }
    for (size_t c = 0; c < entity->children_count; c++) {
        if (!refers_back(&entity->children[c], self, first, count))
            return false;
    }
    return true;
}

/* What is referred to comes first; else in the order of the file. */
static bool sort_entities(EntityMapping *mapping, Place entities, Error *err)
{
    Entity *all = mapping->entities;
    for (size_t sorted = 0; sorted < mapping->entities_count; sorted++) {
        size_t next = sorted;
        while (next < mapping->entities_count && !refers_back(&all[next], all[next].name, all, sorted))
            next++;
        if (next == mapping->entities_count)
            return FAIL(entities, "the entities refer to each other in a circle: %s", all[sorted].name);
        Entity entity = all[next];
        memmove(&all[sorted + 1], &all[sorted], (next - sorted) * sizeof *all);
        all[sorted] = entity;
    }
    return true;
}

static void link_columns(const EntityMapping *mapping, Entity *entity)
{
    for (size_t i = 0; i < entity->columns_count; i++) {
        if (entity->columns[i].references)
            entity->columns[i].referenced = entity_find(mapping, entity->columns[i].references);
    }
}

static void link_entities(EntityMapping *mapping)
{
    for (size_t i = 0; i < mapping->entities_count; i++) {
        Entity *entity = &mapping->entities[i];
        link_columns(mapping, entity);
        for (size_t c = 0; c < entity->children_count; c++) {
            entity->children[c].parent = entity; /* sorting has moved it */
            link_columns(mapping, &entity->children[c]);
        }
    }
}

static bool read_mapping(const json_t *root, Arena *arena, EntityMapping *mapping, Error *err)
{
    Place top = {arena, ""}, entities = {arena, "/entities"};
    if (!check_object(root, top, mapping_keys, err) || !read_text(root, top, "source", false, &mapping->source, err) ||
        !read_text(root, top, "version", false, &mapping->version, err))
        return false;
    const json_t *list = json_object_get(root, "entities");
    size_t count = json_array_size(list);
    if (count == 0 || count > ENTITIES_MAX)
        return FAIL(entities, "a list of 1 to %d entities is needed", ENTITIES_MAX);
    mapping->entities = arena_array(arena, count, sizeof *mapping->entities);
    mapping->entities_count = count;
    for (size_t i = 0; i < count; i++) {
        mapping->entities[i].mapping = mapping;
        if (!read_entity(json_array_get(list, i), at_index(entities, i), &mapping->entities[i], err))
            return false;
    }
    if (!check_entities(mapping, entities, err) || !sort_entities(mapping, entities, err))
        return false;
    link_entities(mapping);
    return true;
}

bool entity_mapping_parse(const char *json, size_t length_bytes, const char *file_name, Arena *arena,
                          EntityMapping *ret_mapping, Error *err)
{
    JSON_SCOPED json_t *root = NULL;
    EntityMapping *mapping = arena_zalloc(arena, sizeof *mapping);
    if (!json_parse(json, length_bytes, &root, err) || !read_mapping(root, arena, mapping, err))
        return error_prefix(err, "%s", file_name);
    *ret_mapping = *mapping;
    return true;
}

bool entity_mapping_load(const char *path, const char *embedded, const char *embedded_name, Arena *arena,
                         EntityMapping *ret_mapping, Error *err)
{
    if (path[0] == '\0')
        return entity_mapping_parse(embedded, strlen(embedded), embedded_name, arena, ret_mapping, err);
    FILE *file = fopen(path, "rb");
    if (!file)
        return error_set(err, ERROR_NOT_FOUND, "the mapping file %s can't be opened: %s", path, strerror(errno));
    char *text = malloc(ENTITY_MAPPING_MAX_BYTES + 1);
    if (!text)
        abort();
    size_t length = fread(text, 1, ENTITY_MAPPING_MAX_BYTES + 1, file);
    bool ok = !ferror(file) || error_set(err, ERROR_UNAVAILABLE, "the mapping file %s can't be read", path);
    fclose(file);
    if (ok && length > ENTITY_MAPPING_MAX_BYTES)
        ok = error_set(err, ERROR_TOO_LARGE, "the mapping file %s has more than %d bytes", path,
                       ENTITY_MAPPING_MAX_BYTES);
    ok = ok && entity_mapping_parse(text, length, path, arena, ret_mapping, err);
    free(text);
    return ok;
}
