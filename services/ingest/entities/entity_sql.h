/* Statements on the tables of an entity, as text. Names come from a mapping file, whose parser has checked them; all
 * are quoted. Pure. */
#pragma once

#include "common/buffer.h"
#include "services/ingest/entities/entity.h"

/* Columns of an entity's tables, in the order of its mapping. */
typedef enum EntitySet {
    ENTITY_KEYS,     /* of a child: its parent's, and "position" */
    ENTITY_VALUES,   /* in core, not of the key */
    ENTITY_PERSONAL, /* in personal */
} EntitySet;

/* A column as its tables have it. */
typedef struct EntitySqlColumn {
    const char *name;
    const char *type; /* as Postgres' format_type() writes it */
    const char *description;
    int index; /* in entity->columns; -1: part of a child's key */
} EntitySqlColumn;

/* Columns of the set, in the arena. */
EntitySqlColumn *entity_sql_columns(const Entity *entity, EntitySet set, Arena *arena, size_t *ret_count);

/* Fills a template. {name} is the entity's name and {parent} its parent's; {keys|TEXT|SEPARATOR} is TEXT once for each
 * key column with the separator between, {parent_keys|..}, {values|..}, {personal|..} and {all|..} (keys, values,
 * personal) likewise, and {children|TEXT|SEPARATOR} once for each child. In TEXT, $c is the column (the child's name)
 * and is to be quoted there, $t its type, $l what follows the type in a table's definition, $i the column's index in
 * the mapping. */
const char *entity_sql_fill(const char *template, const Entity *entity, Arena *arena);
/* A text as an SQL literal. */
const char *entity_sql_literal(const char *text, Arena *arena);
/* " AND ..." for a comparison of keys with the source's: leaves out what an erasure has given a random key, which the
 * source can't have (personal.erase_things()). `alias` is that of core.<name>. Nothing when the key is no customer's.
 */
void entity_sql_append_not_erased(Buffer *sql, const Entity *entity, const char *alias);
