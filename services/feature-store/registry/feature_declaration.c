#include "services/feature-store/registry/feature_declaration.h"

#include <math.h>
#include <string.h>

enum { QUERY_FILE_MAX = 100 };
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789_"

static const char *const type_names[FEATURE_TYPES] = {
    [FEATURE_INT64] = "int64", [FEATURE_FLOAT64] = "float64",   [FEATURE_BOOL] = "bool",
    [FEATURE_TEXT] = "string", [FEATURE_INSTANT] = "timestamp",
};

/* Columns that the offline table, an export or a request has beside the features. */
static const char *const reserved_names[] = {"entity_id", "event_timestamp", "recorded_seq", "recorded_at", "created"};

static const JsonField view_fields[] = {
    {.name = "name", .type = JSON_FIELD_TEXT, .offset = offsetof(FeatureView, name)},
    {.name = "version", .type = JSON_FIELD_INT, .offset = offsetof(FeatureView, version), .minimum = 1, .maximum = 1e6},
    {.name = "description", .type = JSON_FIELD_TEXT, .offset = offsetof(FeatureView, description)},
    {.name = "owner", .type = JSON_FIELD_TEXT, .offset = offsetof(FeatureView, owner)},
    {.name = "ttl_s", .type = JSON_FIELD_INT, .offset = offsetof(FeatureView, ttl_s), .minimum = 0, .maximum = 1e9},
    {0},
};

typedef struct DeclaredKey {
    const char *name, *join_key, *type, *description;
} DeclaredKey;

static const JsonField key_fields[] = {
    {.name = "name", .type = JSON_FIELD_TEXT, .offset = offsetof(DeclaredKey, name)},
    {.name = "join_key", .type = JSON_FIELD_TEXT, .offset = offsetof(DeclaredKey, join_key)},
    {.name = "type", .type = JSON_FIELD_TEXT, .offset = offsetof(DeclaredKey, type), .optional = true},
    {.name = "description", .type = JSON_FIELD_TEXT, .offset = offsetof(DeclaredKey, description), .optional = true},
    {0},
};

typedef struct DeclaredFeature {
    const char *name, *type, *description;
    bool online_only;
    double minimum, maximum;
} DeclaredFeature;

static const JsonField feature_fields[] = {
    {.name = "name", .type = JSON_FIELD_TEXT, .offset = offsetof(DeclaredFeature, name)},
    {.name = "type", .type = JSON_FIELD_TEXT, .offset = offsetof(DeclaredFeature, type)},
    {.name = "description", .type = JSON_FIELD_TEXT, .offset = offsetof(DeclaredFeature, description)},
    {.name = "online_only",
     .type = JSON_FIELD_BOOL,
     .offset = offsetof(DeclaredFeature, online_only),
     .optional = true},
    {.name = "minimum", .type = JSON_FIELD_REAL, .offset = offsetof(DeclaredFeature, minimum), .optional = true},
    {.name = "maximum", .type = JSON_FIELD_REAL, .offset = offsetof(DeclaredFeature, maximum), .optional = true},
    {0},
};

typedef struct DeclaredSource {
    const char *kind, *name, *query;
    int64_t every_s;
} DeclaredSource;

static const JsonField no_fields[] = {{0}};
static const JsonField kind_fields[] = {
    {.name = "kind", .type = JSON_FIELD_TEXT, .offset = offsetof(DeclaredSource, kind)},
    {0},
};
static const JsonField push_fields[] = {
    {.name = "name", .type = JSON_FIELD_TEXT, .offset = offsetof(DeclaredSource, name)},
    {0},
};
static const JsonField sql_fields[] = {
    {.name = "query", .type = JSON_FIELD_TEXT, .offset = offsetof(DeclaredSource, query)},
    {.name = "every_s",
     .type = JSON_FIELD_INT,
     .offset = offsetof(DeclaredSource, every_s),
     .minimum = 1,
     .maximum = 1e7},
    {0},
};

static const struct {
    const char *name;
    const JsonField *fields;
} source_kinds[] = {
    [FEATURE_SOURCE_DEMAND] = {"demand", no_fields},
    [FEATURE_SOURCE_PUSH] = {"push", push_fields},
    [FEATURE_SOURCE_SQL] = {"sql", sql_fields},
    [FEATURE_SOURCE_ON_DEMAND] = {"on_demand", no_fields},
};

const char *feature_type_name(FeatureType type)
{
    return type_names[type];
}

/* At most `longest` of a-z, 0-9 and _, beginning with a letter: safe in SQL, keys and labels. */
static bool name_valid(const char *name, size_t longest)
{
    size_t length = strlen(name);
    return length > 0 && length <= longest && name[0] >= 'a' && name[0] <= 'z' &&
           strspn(name, NAME_CHARACTERS) == length;
}

static bool check_name(const char *name, size_t longest, const char *at, Error *err)
{
    if (!name_valid(name, longest))
        return error_set_at(err, ERROR_UNPROCESSABLE, at,
                            "%s: the name \"%.80s\" must be at most %zu of a-z, 0-9 and _, beginning with a letter", at,
                            name, longest);
    for (size_t i = 0; i < sizeof(reserved_names) / sizeof(reserved_names[0]); i++) {
        if (strcmp(reserved_names[i], name) == 0)
            return error_set_at(err, ERROR_UNPROCESSABLE, at, "%s: the name \"%s\" is taken by the store itself", at,
                                name);
    }
    return true;
}

static bool is_join_key(const FeatureView *view, const char *name)
{
    for (size_t i = 0; i < view->keys_count; i++) {
        if (strcmp(view->keys[i].join_key, name) == 0)
            return true;
    }
    return false;
}

static bool read_type(const char *name, const char *at, FeatureType *ret_type, Error *err)
{
    for (size_t i = 0; i < FEATURE_TYPES; i++) {
        if (strcmp(type_names[i], name) == 0) {
            *ret_type = (FeatureType)i;
            return true;
        }
    }
    return error_set_at(err, ERROR_UNPROCESSABLE, at,
                        "%s/type: \"%.40s\" is not one of int64, float64, bool, string, timestamp", at, name);
}

static bool read_key(const json_t *item, const char *at, Arena *arena, FeatureView *view, Error *err)
{
    DeclaredKey declared = {.type = "string", .description = ""};
    FeatureType type = FEATURE_TEXT;
    if (!json_read(item, at, key_fields, arena, &declared, err) ||
        !check_name(declared.name, FEATURE_NAME_MAX, at, err) ||
        !check_name(declared.join_key, FEATURE_NAME_MAX, at, err) || !read_type(declared.type, at, &type, err))
        return false;
    if (type != FEATURE_TEXT && type != FEATURE_INT64)
        return error_set_at(err, ERROR_UNPROCESSABLE, at, "%s/type: a join key is a string or an int64", at);
    if (is_join_key(view, declared.join_key))
        return error_set_at(err, ERROR_UNPROCESSABLE, at, "%s: the join key \"%s\" is there twice", at,
                            declared.join_key);
    view->keys[view->keys_count++] = (FeatureKey){
        .entity = declared.name,
        .join_key = declared.join_key,
        .type = type,
        .description = declared.description,
    };
    view->entity_kind =
        view->keys_count == 1 ? declared.join_key : arena_printf(arena, "%s,%s", view->entity_kind, declared.join_key);
    return true;
}

static bool read_keys(const json_t *declaration, Arena *arena, FeatureView *view, Error *err)
{
    const json_t *one = json_object_get(declaration, "entity"), *list = json_object_get(declaration, "entities");
    if ((one == NULL) == (list == NULL))
        return error_set_at(err, ERROR_UNPROCESSABLE, "/entities",
                            "/entities: a view has either \"entity\" (one key) or \"entities\" (a list)");
    if (one != NULL)
        return read_key(one, "/entity", arena, view, err);
    size_t count = json_array_size(list);
    if (count == 0 || count > FEATURE_KEYS_MAX)
        return error_set_at(err, ERROR_UNPROCESSABLE, "/entities", "/entities must be a list of 1..%d keys",
                            FEATURE_KEYS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (!read_key(json_array_get(list, i), arena_printf(arena, "/entities/%zu", i), arena, view, err))
            return false;
    }
    return true;
}

static bool read_features(const json_t *list, Arena *arena, FeatureView *view, Error *err)
{
    size_t count = json_array_size(list);
    if (count == 0 || count > FEATURES_PER_VIEW_MAX)
        return error_set_at(err, ERROR_UNPROCESSABLE, "/features", "/features must be a list of 1..%d features",
                            FEATURES_PER_VIEW_MAX);
    Feature *features = arena_array(arena, count, sizeof(*features));
    view->features = features;
    for (size_t i = 0; i < count; i++) {
        const char *at = arena_printf(arena, "/features/%zu", i);
        DeclaredFeature declared = {.minimum = NAN, .maximum = NAN};
        FeatureType type = FEATURE_INT64;
        if (!json_read(json_array_get(list, i), at, feature_fields, arena, &declared, err) ||
            !read_type(declared.type, at, &type, err) || !check_name(declared.name, FEATURE_NAME_MAX, at, err))
            return false;
        if (feature_view_index(view, declared.name) >= 0 || is_join_key(view, declared.name))
            return error_set_at(err, ERROR_UNPROCESSABLE, at, "%s: the name \"%s\" is there twice", at, declared.name);
        features[i] = (Feature){
            .name = declared.name,
            .type = type,
            .description = declared.description,
            .online_only = declared.online_only,
            .minimum = declared.minimum,
            .maximum = declared.maximum,
        };
        view->features_count = i + 1;
    }
    return true;
}

static bool query_file_valid(const char *file)
{
    size_t length = strlen(file), stem = strspn(file, NAME_CHARACTERS);
    return length <= QUERY_FILE_MAX && stem > 0 && strcmp(file + stem, ".sql") == 0;
}

static bool read_source(const json_t *source, const FeatureQueryReader *queries, Arena *arena, FeatureView *view,
                        Error *err)
{
    DeclaredSource declared = {0};
    size_t kind = 0, kinds = sizeof(source_kinds) / sizeof(source_kinds[0]);
    if (source == NULL) {
        view->source = (FeatureSource){.kind = FEATURE_SOURCE_PUSH, .name = view->name};
        return true;
    }
    if (!json_read(source, "/source", kind_fields, arena, &declared, err))
        return false;
    while (kind < kinds && strcmp(source_kinds[kind].name, declared.kind) != 0)
        kind++;
    if (kind == kinds)
        return error_set_at(err, ERROR_UNPROCESSABLE, "/source/kind",
                            "/source/kind: \"%.40s\" is not one of demand, push, sql, on_demand", declared.kind);
    if (!json_read(source, "/source", source_kinds[kind].fields, arena, &declared, err))
        return false;
    view->source = (FeatureSource){
        .kind = (FeatureSourceKind)kind,
        .name = declared.name,
        .query = declared.query,
        .every_s = declared.every_s,
    };
    if (kind == FEATURE_SOURCE_DEMAND && strcmp(view->name, "geo_demand") != 0)
        return error_set_at(err, ERROR_UNPROCESSABLE, "/source/kind",
                            "/source/kind: only the view geo_demand is computed from demand");
    if (kind == FEATURE_SOURCE_PUSH)
        return check_name(declared.name, FEATURE_NAME_MAX, "/source/name", err);
    if (kind != FEATURE_SOURCE_SQL)
        return true;
    if (!query_file_valid(declared.query))
        return error_set_at(err, ERROR_UNPROCESSABLE, "/source/query",
                            "/source/query: \"%.80s\" is not a file name <a-z, 0-9, _>.sql beside the declaration",
                            declared.query);
    return queries->read(queries->context, declared.query, arena, &view->source.sql, err) ||
           error_prefix(err, "/source/query");
}

/* FNV-1a, 32 bits (Fowler, Noll, Vo; draft-eastlake-fnv). */
static uint32_t hash_text(uint32_t hash, const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        hash = (hash ^ (uint8_t)*c) * UINT32_C(16777619);
    return (hash ^ 0xff) * UINT32_C(16777619);
}

static uint32_t view_hash(const FeatureView *view)
{
    uint32_t hash = hash_text(UINT32_C(2166136261), view->table);
    for (size_t i = 0; i < view->keys_count; i++) {
        hash = hash_text(hash, view->keys[i].join_key);
        hash = hash_text(hash, type_names[view->keys[i].type]);
    }
    hash = hash_text(hash, "");
    for (size_t i = 0; i < view->features_count; i++) {
        hash = hash_text(hash, view->features[i].name);
        hash = hash_text(hash, type_names[view->features[i].type]);
    }
    return hash;
}

bool feature_declaration_read(const json_t *declaration, const FeatureQueryReader *queries, Arena *arena,
                              FeatureView *view, Error *err)
{
    if (!json_read(declaration, "", view_fields, arena, view, err) ||
        !check_name(view->name, FEATURE_VIEW_NAME_MAX, "/name", err) || !read_keys(declaration, arena, view, err) ||
        !read_source(json_object_get(declaration, "source"), queries, arena, view, err) ||
        !read_features(json_object_get(declaration, "features"), arena, view, err))
        return false;
    const json_t *tags = json_object_get(declaration, "tags");
    if (tags != NULL && !json_is_object(tags))
        return error_set_at(err, ERROR_UNPROCESSABLE, "/tags", "/tags must be an object");
    view->table = arena_printf(arena, "%s_v%lld", view->name, (long long)view->version);
    view->schema_hash = view_hash(view);
    return true;
}
