#include "services/ingest/entities/entity.h"

#include <string.h>

const char entity_value_unchanged[] = "";

static const char *const type_names[] = {
    [ENTITY_TEXT] = "text",       [ENTITY_INTEGER] = "integer", [ENTITY_REAL] = "real", [ENTITY_DECIMAL] = "decimal",
    [ENTITY_BOOLEAN] = "boolean", [ENTITY_INSTANT] = "instant", [ENTITY_DATE] = "date", [ENTITY_JSON] = "json",
};

const char *entity_type_name(EntityType type)
{
    return type_names[type];
}

const Entity *entity_find(const EntityMapping *mapping, const char *name)
{
    for (size_t i = 0; i < mapping->entities_count; i++) {
        const Entity *entity = &mapping->entities[i];
        if (strcmp(entity->name, name) == 0)
            return entity;
        for (size_t c = 0; c < entity->children_count; c++) {
            if (strcmp(entity->children[c].name, name) == 0)
                return &entity->children[c];
        }
    }
    return NULL;
}

int entity_column_index(const Entity *entity, const char *name)
{
    for (size_t i = 0; i < entity->columns_count; i++) {
        if (strcmp(entity->columns[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}
