#include "services/ingest/entities/entity_sql.h"

#include <assert.h>
#include <string.h>
#include "common/buffer.h"

enum { SQL_MAX_BYTES = 1 << 20 };

static const char *const types[] = {
    [ENTITY_TEXT] = "text",       [ENTITY_INTEGER] = "bigint",  [ENTITY_REAL] = "double precision",
    [ENTITY_DECIMAL] = "numeric", [ENTITY_BOOLEAN] = "boolean", [ENTITY_INSTANT] = "timestamp with time zone",
    [ENTITY_DATE] = "date",       [ENTITY_JSON] = "jsonb",
};

static bool is_in_set(const EntityColumn *column, EntitySet set)
{
    switch (set) {
    case ENTITY_KEYS:
        return column->key;
    case ENTITY_VALUES:
        return !column->key && !column->personal;
    case ENTITY_PERSONAL:
        return column->personal;
    }
    __builtin_unreachable();
}

static void add_columns(const Entity *entity, EntitySet set, bool inherited, EntitySqlColumn *columns, size_t *count)
{
    for (size_t i = 0; i < entity->columns_count; i++) {
        const EntityColumn *column = &entity->columns[i];
        if (is_in_set(column, set))
            columns[(*count)++] = (EntitySqlColumn){.name = column->name,
                                                    .type = types[column->type],
                                                    .description = column->description,
                                                    .index = inherited ? -1 : (int)i};
    }
}

EntitySqlColumn *entity_sql_columns(const Entity *entity, EntitySet set, Arena *arena, size_t *ret_count)
{
    EntitySqlColumn *columns = arena_array(arena, ENTITY_COLUMNS_MAX + ENTITY_KEY_COLUMNS_MAX + 1, sizeof *columns);
    *ret_count = 0;
    if (entity->parent && set == ENTITY_KEYS) {
        add_columns(entity->parent, set, true, columns, ret_count);
        columns[(*ret_count)++] = (EntitySqlColumn){
            .name = "position", .type = "integer", .description = "Position in the array, from 0", .index = -1};
    }
    add_columns(entity, set, false, columns, ret_count);
    return columns;
}

static void append_item(Buffer *sql, const char *text, size_t length, const EntitySqlColumn *column)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] != '$') {
            buffer_append_char(sql, text[i]);
            continue;
        }
        switch (text[++i]) {
        case 'c':
            buffer_append_text(sql, column->name);
            break;
        case 't':
            buffer_append_text(sql, column->type);
            break;
        case 'l':
            buffer_append_text(sql, strcmp(column->type, "text") == 0 ? " COLLATE \"C\"" : "");
            break;
        case 'i':
            buffer_printf(sql, "%d", column->index);
            break;
        default: /* a parameter */
            buffer_append_char(sql, '$');
            buffer_append_char(sql, text[i]);
        }
    }
}

/* One {list|TEXT|SEPARATOR} of a template. */
typedef struct ListPart {
    const char *text, *separator;
    size_t text_length, separator_length;
    bool any; /* so far */
} ListPart;

static void append_columns(Buffer *sql, ListPart *part, const EntitySqlColumn *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (part->any)
            buffer_append(sql, part->separator, part->separator_length);
        append_item(sql, part->text, part->text_length, &columns[i]);
        part->any = true;
    }
}

static void append_children(Buffer *sql, ListPart *part, const Entity *entity)
{
    for (size_t i = 0; i < entity->children_count; i++)
        append_columns(sql, part, &(EntitySqlColumn){.name = entity->children[i].name, .type = "", .index = (int)i}, 1);
}

static bool is_named(const char *word, const char *name, size_t name_length)
{
    return strlen(word) == name_length && strncmp(word, name, name_length) == 0;
}

static void append_list(Buffer *sql, const char *name, size_t name_length, ListPart *part, const Entity *entity,
                        Arena *arena)
{
    static const struct {
        const char *name;
        EntitySet first, last;
    } lists[] = {{"keys", ENTITY_KEYS, ENTITY_KEYS},
                 {"values", ENTITY_VALUES, ENTITY_VALUES},
                 {"personal", ENTITY_PERSONAL, ENTITY_PERSONAL},
                 {"all", ENTITY_KEYS, ENTITY_PERSONAL}};
    if (is_named("children", name, name_length)) {
        append_children(sql, part, entity);
        return;
    }
    if (is_named("parent_keys", name, name_length)) {
        append_list(sql, "keys", strlen("keys"), part, entity->parent, arena);
        return;
    }
    size_t list = 0;
    while (!is_named(lists[list].name, name, name_length))
        list++;
    for (EntitySet set = lists[list].first; set <= lists[list].last; set++) {
        size_t count;
        const EntitySqlColumn *columns = entity_sql_columns(entity, set, arena, &count);
        append_columns(sql, part, columns, count);
    }
}

/* From after a brace; returns where its end is. */
static const char *append_braced(Buffer *sql, const char *at, const Entity *entity, Arena *arena)
{
    const char *end = strchr(at, '}');
    size_t name_length = strcspn(at, "|}");
    if (at[name_length] == '}') {
        buffer_append_text(sql, strncmp(at, "parent", name_length) == 0 ? entity->parent->name : entity->name);
        return end;
    }
    const char *text = at + name_length + 1;
    const char *bar = memchr(text, '|', (size_t)(end - text));
    ListPart part = {.text = text,
                     .text_length = (size_t)(bar - text),
                     .separator = bar + 1,
                     .separator_length = (size_t)(end - bar - 1)};
    append_list(sql, at, name_length, &part, entity, arena);
    return end;
}

static const char *take_text(Buffer *sql, Arena *arena)
{
    assert(!sql->overflowed && "a mapping's limits keep statements far below");
    const char *text = arena_strndup(arena, sql->data, sql->length_bytes);
    buffer_fini(sql);
    return text;
}

const char *entity_sql_fill(const char *template, const Entity *entity, Arena *arena)
{
    Buffer sql;
    buffer_init(&sql, SQL_MAX_BYTES);
    for (const char *at = template; *at != '\0'; at++) {
        if (*at == '{')
            at = append_braced(&sql, at + 1, entity, arena);
        else
            buffer_append_char(&sql, *at);
    }
    return take_text(&sql, arena);
}

const char *entity_sql_literal(const char *text, Arena *arena)
{
    Buffer sql;
    buffer_init(&sql, SQL_MAX_BYTES);
    buffer_append_text(&sql, " E'");
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\')
            buffer_append_char(&sql, *text);
        buffer_append_char(&sql, *text);
    }
    buffer_append_char(&sql, '\'');
    return take_text(&sql, arena);
}

void entity_sql_append_not_erased(Buffer *sql, const Entity *entity, const char *alias)
{
    for (size_t i = 0; i < entity->columns_count; i++) {
        const EntityColumn *column = &entity->columns[i];
        if (column->key && entity->subject && strcmp(column->name, entity->subject) == 0)
            buffer_printf(sql, " AND %s.\"%s\" !~ '^erased-[0-9a-f-]{36}$'", alias, column->name);
    }
}
