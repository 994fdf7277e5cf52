#include "services/feature-store/offline/entity_table.h"

#include <string.h>
#include "services/feature-store/offline/entity_table_parts.h"

bool entity_table_begin(size_t columns, size_t rows, Arena *arena, EntityTable *ret_table, Error *err)
{
    if (columns == 0 || rows == 0)
        return error_set_at(err, ERROR_UNPROCESSABLE, "entities", "there are no rows of entities");
    if (columns > ENTITY_TABLE_COLUMNS_MAX || rows > ENTITY_TABLE_ROWS_MAX || columns * rows > ENTITY_TABLE_VALUES_MAX)
        return error_set_at(err, ERROR_TOO_LARGE, "entities",
                            "at most %d rows, %d columns and %d values together are taken in one request, not %zu rows "
                            "of %zu columns",
                            ENTITY_TABLE_ROWS_MAX, ENTITY_TABLE_COLUMNS_MAX, ENTITY_TABLE_VALUES_MAX, rows, columns);
    EntityTable table = {.rows = rows, .count = columns};
    table.columns = arena_array(arena, columns, sizeof(*table.columns));
    for (size_t i = 0; i < columns; i++)
        table.columns[i].values = arena_array(arena, rows, sizeof(*table.columns[i].values));
    *ret_table = table;
    return true;
}

bool entity_table_check(const EntityTable *table, Error *err)
{
    for (size_t i = 0; i < table->count; i++) {
        const char *name = table->columns[i].name;
        if (name[0] == '\0')
            return error_set_at(err, ERROR_UNPROCESSABLE, "entities", "column %zu has no name", i + 1);
        if (entity_table_find(table, name) != &table->columns[i])
            return error_set_at(err, ERROR_UNPROCESSABLE, "entities", "there are two columns named %.60s", name);
    }
    return true;
}

EntityColumn *entity_table_find(const EntityTable *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    }
    return NULL;
}
