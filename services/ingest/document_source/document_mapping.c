#include "services/ingest/document_source/document_mapping.h"

#include <stdio.h>
#include <string.h>
#include "services/ingest/document_source/bson_text.h"
#include "services/ingest/document_source/document_values.h"

enum { PROBLEMS_MAX_BYTES = 8192, NONE = -1 };

static const char item_itself[] = ".";

/* A name within a document: what its value is used for, and what is below it. */
typedef struct PathNode PathNode;
struct PathNode {
    const char *name;
    PathNode *below, *next;
    int column;    /* the first one of that path; NONE */
    int child;     /* NONE */
    bool is_known; /* the whole value is accounted for */
};

/* The paths of one entity or child. */
typedef struct PathTree {
    const Entity *entity;
    PathNode root;
    int *next_column; /* another column of the same path; NONE */
} PathTree;

struct DocumentPlan {
    PathTree tree;
    PathTree *children;
};

/* ---- the plan ---- */

static PathNode *node_below(PathNode *node, const char *name, size_t length, Arena *arena)
{
    PathNode **link = &node->below;
    for (; *link; link = &(*link)->next) {
        if (strlen((*link)->name) == length && memcmp((*link)->name, name, length) == 0)
            return *link;
    }
    *link = arena_zalloc(arena, sizeof **link);
    **link = (PathNode){.name = arena_strndup(arena, name, length), .column = NONE, .child = NONE};
    return *link;
}

static PathNode *node_at(PathNode *root, const char *path, Arena *arena)
{
    if (strcmp(path, item_itself) == 0)
        return root;
    PathNode *node = root;
    for (;;) {
        const char *end = strchrnul(path, '.');
        node = node_below(node, path, (size_t)(end - path), arena);
        if (*end == '\0')
            return node;
        path = end + 1;
    }
}

static void plant(PathTree *tree, const Entity *entity, Arena *arena)
{
    *tree = (PathTree){.entity = entity, .root = {.name = "", .column = NONE, .child = NONE}};
    tree->next_column = arena_array(arena, entity->columns_count, sizeof *tree->next_column);
    for (size_t i = entity->columns_count; i-- > 0;) {
        PathNode *node = node_at(&tree->root, entity->columns[i].from, arena);
        tree->next_column[i] = node->column;
        node->column = (int)i;
        node->is_known = true;
    }
    for (size_t i = 0; i < entity->children_count; i++) {
        PathNode *node = node_at(&tree->root, entity->children[i].from, arena);
        node->child = (int)i;
        node->is_known = true;
    }
    if (entity->updated_at)
        node_at(&tree->root, entity->updated_at, arena)->is_known = true;
}

DocumentPlan *document_plan_new(const Entity *entity, Arena *arena)
{
    DocumentPlan *plan = arena_zalloc(arena, sizeof *plan);
    plant(&plan->tree, entity, arena);
    plan->children = arena_array(arena, entity->children_count, sizeof *plan->children);
    for (size_t i = 0; i < entity->children_count; i++)
        plant(&plan->children[i], &entity->children[i], arena);
    return plan;
}

/* ---- reading ---- */

typedef struct Note {
    const char *path;
    DriftKind kind;
    const char *value_type;
} Note;

/* Where in the document: names with dots between, [] for items of an array. */
typedef struct Path {
    char text[DRIFT_PATH_MAX_BYTES + 1];
    size_t length;
} Path;

typedef struct Reading {
    Arena *arena;
    Note notes[DOCUMENT_NOTES_MAX];
    size_t notes_count;
    Buffer problems;
    size_t problems_count;
    Path path;
    bool keys_only; /* of a document that is too large to be taken apart */
} Reading;

/* One row that is being filled. */
typedef struct RowReading {
    const PathTree *tree;
    const DocumentPlan *plan; /* NULL in a child's row */
    EntityValue *values;
    bool *is_set;
    EntityRows *children;
} RowReading;

static size_t path_enter(Path *path, const char *name, bool is_item)
{
    size_t before = path->length;
    int written = snprintf(path->text + path->length, sizeof path->text - path->length, is_item ? "[]%.0s" : "%s%s",
                           path->length > 0 ? "." : "", name);
    path->length += (size_t)written;
    if (path->length >= sizeof path->text)
        path->length = sizeof path->text - 1;
    return before;
}

static void path_leave(Path *path, size_t before)
{
    path->length = before;
    path->text[before] = '\0';
}

static void note(Reading *reading, DriftKind kind, const char *path, const char *value_type)
{
    for (size_t i = 0; i < reading->notes_count; i++) {
        const Note *known = &reading->notes[i];
        if (known->kind == kind && strcmp(known->path, path) == 0 && strcmp(known->value_type, value_type) == 0)
            return;
    }
    if (reading->notes_count < DOCUMENT_NOTES_MAX)
        reading->notes[reading->notes_count++] = (Note){arena_strdup(reading->arena, path), kind, value_type};
}

/* Names of fields are the source's: a line break in one must not look like another problem, and a path may have been
 * cut in the middle of a character. */
static void append_path(Buffer *out, const char *path)
{
    bool is_text = bson_utf8_validate(path, strlen(path), false);
    for (; *path; path++)
        buffer_append_char(out, (unsigned char)*path < ' ' || (!is_text && (*path & 0x80)) ? '?' : *path);
}

static void add_problem(Reading *reading, const char *path, const char *why)
{
    if (reading->problems_count++ >= DOCUMENT_PROBLEMS_MAX)
        return;
    if (reading->problems.length_bytes > 0)
        buffer_append_char(&reading->problems, '\n');
    append_path(&reading->problems, path);
    buffer_printf(&reading->problems, ": %s", why);
}

/* ---- what no document may hold ---- */

static bool is_reference_name(const char *name)
{
    return strcmp(name, "$ref") == 0 || strcmp(name, "$id") == 0 || strcmp(name, "$db") == 0;
}

static const char *fault_of_text(const char *text, size_t length)
{
    if (!bson_utf8_validate(text, length, true))
        return "a text that is not UTF-8";
    return memchr(text, '\0', length) ? "a text with a NUL" : NULL;
}

static const char *fault_of_value(const bson_iter_t *item)
{
    uint32_t length;
    const char *text;
    switch (bson_iter_type(item)) {
    case BSON_TYPE_UTF8:
        text = bson_iter_utf8(item, &length);
        return fault_of_text(text, length);
    case BSON_TYPE_SYMBOL:
        text = bson_iter_symbol(item, &length);
        return fault_of_text(text, strlen(text));
    default:
        return NULL;
    }
}

static void look_for_faults(Reading *reading, bson_iter_t *items, bool is_array, int depth)
{
    while (bson_iter_next(items) && reading->problems_count < DOCUMENT_PROBLEMS_MAX) {
        const char *name = bson_iter_key(items), *why = NULL;
        if (!is_array && !bson_utf8_validate(name, bson_iter_key_len(items), false))
            why = "a name that is not UTF-8";
        else if (!is_array && name[0] == '$' && !is_reference_name(name))
            why = "a name that begins with $";
        else
            why = fault_of_value(items);
        size_t before = path_enter(&reading->path, why && strstr(why, "a name that is not") ? "?" : name, is_array);
        bson_iter_t inner;
        bson_type_t type = bson_iter_type(items);
        if (!why && (type == BSON_TYPE_DOCUMENT || type == BSON_TYPE_ARRAY)) {
            if (depth >= DOCUMENT_DEPTH_MAX)
                why = "nested deeper than 64 levels";
            else if (!bson_iter_recurse(items, &inner))
                why = "broken BSON";
            else
                look_for_faults(reading, &inner, type == BSON_TYPE_ARRAY, depth + 1);
        }
        if (why)
            add_problem(reading, reading->path.text, why);
        path_leave(&reading->path, before);
    }
    if (items->err_off > 0)
        add_problem(reading, reading->path.length > 0 ? reading->path.text : "document", "broken BSON");
}

/* ---- rows ---- */

static RowReading row_begin(const PathTree *tree, const DocumentPlan *plan, EntityRows *children, Arena *arena)
{
    size_t columns = tree->entity->columns_count;
    return (RowReading){.tree = tree,
                        .plan = plan,
                        .values = arena_array(arena, columns, sizeof(EntityValue)),
                        .is_set = arena_array(arena, columns, sizeof(bool)),
                        .children = children};
}

static bool read_columns(Reading *reading, RowReading *row, const PathNode *node, const bson_iter_t *value)
{
    bool all_good = true;
    for (int i = node->column; i != NONE; i = row->tree->next_column[i]) {
        const EntityColumn *column = &row->tree->entity->columns[i];
        const char *why = NULL;
        if (reading->keys_only && !column->key)
            continue;
        if (row->is_set[i]) {
            add_problem(reading, reading->path.text, "twice in the document");
            continue;
        }
        row->is_set[i] = true;
        if (document_value(column->type, value, reading->arena, &row->values[i], &why))
            continue;
        all_good = false;
        add_problem(reading, reading->path.text, why);
    }
    if (!all_good)
        note(reading, DRIFT_OTHER_TYPE, reading->path.text, bson_text_type(bson_iter_type(value)));
    return all_good;
}

static void read_items(Reading *reading, RowReading *row, PathNode const *node, bson_iter_t *items, bool is_array,
                       Buffer *extra);

static void note_missing(Reading *reading, const RowReading *row)
{
    const Entity *entity = row->tree->entity;
    for (size_t i = 0; i < entity->columns_count; i++) {
        if (row->is_set[i] || !(entity->columns[i].required || entity->columns[i].key))
            continue;
        size_t before = path_enter(&reading->path, entity->columns[i].from, false);
        note(reading, DRIFT_MISSING_FIELD, reading->path.text, "");
        path_leave(&reading->path, before);
    }
}

/* Begins a member of the extra object; returns where to go back to if nothing comes. */
static size_t open_extra(Buffer *extra, const char *name, bool is_object)
{
    size_t before = extra->length_bytes;
    if (before > 0 && extra->data[before - 1] != '{')
        buffer_append_char(extra, ',');
    bson_text_append_string(extra, name, strlen(name));
    buffer_append_text(extra, is_object ? ":{" : ":");
    return before;
}

static void close_extra(Buffer *extra, size_t before)
{
    if (extra->overflowed)
        return;
    if (extra->data[extra->length_bytes - 1] == '{')
        extra->data[extra->length_bytes = before] = '\0';
    else
        buffer_append_char(extra, '}');
}

static void keep_extra(Reading *reading, const char *name, const bson_iter_t *value, Buffer *extra)
{
    if (reading->keys_only)
        return;
    open_extra(extra, name, false);
    bson_text_append_value(extra, value);
}

static const char *end_extra(Reading *reading, Buffer *extra)
{
    Error ignored;
    buffer_append_char(extra, '}');
    if (!buffer_ok(extra, &ignored)) {
        add_problem(reading, "document", "more than 1 MiB of fields that the mapping does not name");
        return NULL;
    }
    return extra->length_bytes > 2 ? arena_strndup(reading->arena, extra->data, extra->length_bytes) : NULL;
}

/* One item of an array as a child's row. */
static void read_child_row(Reading *reading, const PathTree *tree, const bson_iter_t *item, EntityRow *ret_row)
{
    BUFFER_SCOPED Buffer extra;
    bson_iter_t inner;
    bson_type_t type = bson_iter_type(item);
    RowReading row = row_begin(tree, NULL, NULL, reading->arena);
    buffer_init(&extra, ENTITY_VALUE_MAX_BYTES);
    buffer_append_char(&extra, '{');
    bool is_read = tree->root.column != NONE;
    if (is_read)
        read_columns(reading, &row, &tree->root, item);
    if (tree->root.below && type == BSON_TYPE_DOCUMENT && bson_iter_recurse(item, &inner)) {
        read_items(reading, &row, &tree->root, &inner, false, &extra);
        is_read = true;
    }
    if (!is_read) {
        note(reading, DRIFT_OTHER_TYPE, reading->path.text, bson_text_type(type));
        keep_extra(reading, "item", item, &extra);
    } else {
        note_missing(reading, &row);
    }
    *ret_row = (EntityRow){.values = row.values, .extra = end_extra(reading, &extra)};
}

static void read_child_rows(Reading *reading, const PathTree *tree, const bson_iter_t *array, EntityRows *ret_rows)
{
    bson_iter_t items;
    size_t count = 0;
    if (!bson_iter_recurse(array, &items))
        return;
    while (bson_iter_next(&items))
        count++;
    if (count > DOCUMENT_ITEMS_MAX) {
        add_problem(reading, reading->path.text, "more than 10000 items");
        return;
    }
    ret_rows->rows = arena_array(reading->arena, count, sizeof *ret_rows->rows);
    size_t before = path_enter(&reading->path, "", true);
    if (bson_iter_recurse(array, &items)) {
        for (size_t i = 0; i < count && bson_iter_next(&items); i++)
            read_child_row(reading, tree, &items, &ret_rows->rows[ret_rows->count++]);
    }
    path_leave(&reading->path, before);
}

static void read_child(Reading *reading, const RowReading *row, const PathNode *node, const bson_iter_t *value)
{
    bson_type_t type = bson_iter_type(value);
    if (reading->keys_only || type == BSON_TYPE_NULL || type == BSON_TYPE_UNDEFINED)
        return;
    if (type == BSON_TYPE_ARRAY) {
        read_child_rows(reading, &row->plan->children[node->child], value, &row->children[node->child]);
        return;
    }
    note(reading, DRIFT_OTHER_TYPE, reading->path.text, bson_text_type(type));
    add_problem(reading, reading->path.text, "not an array");
}

static void read_item(Reading *reading, RowReading *row, const PathNode *node, const char *name,
                      const bson_iter_t *value, Buffer *extra)
{
    bson_type_t type = bson_iter_type(value);
    bson_iter_t inner;
    if (!node) {
        note(reading, DRIFT_UNKNOWN_FIELD, reading->path.text, bson_text_type(type));
        keep_extra(reading, name, value, extra);
        return;
    }
    if (node->column != NONE)
        read_columns(reading, row, node, value);
    if (node->child != NONE)
        read_child(reading, row, node, value);
    if (!node->below || type == BSON_TYPE_NULL || type == BSON_TYPE_UNDEFINED)
        return;
    if ((type != BSON_TYPE_DOCUMENT && type != BSON_TYPE_ARRAY) || !bson_iter_recurse(value, &inner)) {
        if (!node->is_known) {
            note(reading, DRIFT_OTHER_TYPE, reading->path.text, bson_text_type(type));
            keep_extra(reading, name, value, extra);
        }
        return;
    }
    size_t before = open_extra(extra, name, true);
    read_items(reading, row, node, &inner, type == BSON_TYPE_ARRAY, extra);
    close_extra(extra, before);
}

static const PathNode *find_below(const PathNode *node, const char *name)
{
    const PathNode *below = node->below;
    while (below && strcmp(below->name, name) != 0)
        below = below->next;
    return below;
}

/* As deep as the mapping's paths are, whatever the document's depth. */
static void read_items(Reading *reading, RowReading *row, PathNode const *node, bson_iter_t *items, bool is_array,
                       Buffer *extra)
{
    char index[24];
    for (size_t i = 0; bson_iter_next(items); i++) {
        const char *name = bson_iter_key(items);
        if (is_array) { /* whatever name the item has */
            snprintf(index, sizeof index, "%zu", i);
            name = index;
        }
        const PathNode *below = find_below(node, name);
        if (!below && node->is_known)
            continue;
        size_t before = path_enter(&reading->path, name, is_array && !below);
        read_item(reading, row, below, name, items, extra);
        path_leave(&reading->path, before);
    }
}

static const char *make_original(const bson_t *document, Arena *arena)
{
    BUFFER_SCOPED Buffer json;
    Error ignored;
    bson_iter_t id;
    buffer_init(&json, DOCUMENT_ORIGINAL_MAX_BYTES);
    bson_text_append_document(&json, document);
    if (!buffer_ok(&json, &ignored)) {
        buffer_fini(&json);
        buffer_init(&json, DOCUMENT_ORIGINAL_MAX_BYTES);
        buffer_append_text(&json, "{\"_id\":");
        if (bson_iter_init_find(&id, document, "_id") && bson_iter_type(&id) != BSON_TYPE_DOCUMENT)
            bson_text_append_value(&json, &id);
        else
            buffer_append_text(&json, "null");
        buffer_printf(&json, ",\"$cut\":\"the document has %u bytes\"}", document->len);
        if (!buffer_ok(&json, &ignored))
            return arena_printf(arena, "{\"$cut\":\"the document has %u bytes\"}", document->len);
    }
    return arena_strndup(arena, json.data, json.length_bytes);
}

static Instant find_change_time(Reading *reading, const Entity *entity, const bson_t *document)
{
    bson_iter_t value;
    Instant instant;
    if (!entity->updated_at)
        return INSTANT_NONE;
    if (!document_find(document, entity->updated_at, &value)) {
        note(reading, DRIFT_MISSING_FIELD, entity->updated_at, "");
        return INSTANT_NONE;
    }
    if (document_instant(&value, &instant))
        return instant;
    note(reading, DRIFT_OTHER_TYPE, entity->updated_at, bson_text_type(bson_iter_type(&value)));
    return INSTANT_NONE;
}

static void check_key(Reading *reading, const RowReading *row)
{
    const Entity *entity = row->tree->entity;
    for (size_t i = 0; i < entity->columns_count; i++) {
        if (!entity->columns[i].key)
            continue;
        if (!row->values[i])
            add_problem(reading, entity->columns[i].from, "part of the key, and not there");
    }
}

void document_read(const DocumentPlan *plan, const bson_t *document, DocumentDrift *drift, void *context, Arena *arena,
                   EntityChange *ret_change)
{
    const Entity *entity = plan->tree.entity;
    BUFFER_SCOPED Buffer extra;
    bson_iter_t items;
    Reading *reading = arena_zalloc(arena, sizeof *reading);
    reading->arena = arena;
    reading->keys_only = document->len > DOCUMENT_MAX_BYTES;
    buffer_init(&reading->problems, PROBLEMS_MAX_BYTES);
    buffer_init(&extra, ENTITY_VALUE_MAX_BYTES);
    buffer_append_char(&extra, '{');
    EntityRows *children = arena_array(arena, entity->children_count, sizeof *children);
    RowReading row = row_begin(&plan->tree, plan, children, arena);
    if (reading->keys_only)
        add_problem(reading, "document", "larger than 4 MiB");
    else if (bson_iter_init(&items, document))
        look_for_faults(reading, &items, false, 1);
    else
        add_problem(reading, "document", "broken BSON");
    path_leave(&reading->path, 0);
    if (bson_iter_init(&items, document))
        read_items(reading, &row, &plan->tree.root, &items, false, &extra);
    check_key(reading, &row);
    if (!reading->keys_only)
        note_missing(reading, &row);
    const char *kept = end_extra(reading, &extra);
    *ret_change = (EntityChange){
        .entity = entity,
        .kind = ENTITY_PUT,
        .valid_from = find_change_time(reading, entity, document),
        .row = {.values = row.values, .extra = kept},
        .children = entity->children_count > 0 ? children : NULL,
        .original = make_original(document, arena),
    };
    if (reading->problems_count > 0)
        ret_change->problems = arena_strndup(arena, reading->problems.data, reading->problems.length_bytes);
    for (size_t i = 0; i < reading->notes_count; i++)
        drift(context, reading->notes[i].path, reading->notes[i].kind, reading->notes[i].value_type);
    buffer_fini(&reading->problems);
}

bool document_read_key(const DocumentPlan *plan, const bson_t *document, Arena *arena, EntityValue *ret_values)
{
    const Entity *entity = plan->tree.entity;
    for (size_t i = 0; i < entity->columns_count; i++) {
        const char *why;
        bson_iter_t value;
        if (!entity->columns[i].key)
            continue;
        if (!document_find(document, entity->columns[i].from, &value) ||
            !document_value(entity->columns[i].type, &value, arena, &ret_values[i], &why) || !ret_values[i])
            return false;
    }
    return true;
}

bool document_find(const bson_t *document, const char *path, bson_iter_t *ret_value)
{
    bson_iter_t items;
    if (!bson_iter_init(&items, document))
        return false;
    for (;;) {
        const char *end = strchrnul(path, '.');
        if (!bson_iter_find_w_len(&items, path, (int)(end - path)))
            return false;
        if (*end == '\0') {
            *ret_value = items;
            return true;
        }
        bson_type_t type = bson_iter_type(&items);
        bson_iter_t inner;
        if ((type != BSON_TYPE_DOCUMENT && type != BSON_TYPE_ARRAY) || !bson_iter_recurse(&items, &inner))
            return false;
        items = inner;
        path = end + 1;
    }
}
