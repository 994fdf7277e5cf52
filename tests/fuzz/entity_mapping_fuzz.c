#include <stdlib.h>
#include <string.h>
#include "services/ingest/entities/entity.h"
#include "tests/fuzz/fuzz.h"

static void check_entity(const Entity *entity)
{
    if (strlen(entity->name) > ENTITY_NAME_MAX_BYTES || !entity->description || entity->columns_count == 0 ||
        entity->columns_count > ENTITY_COLUMNS_MAX)
        abort();
    for (size_t i = 0; i < entity->columns_count; i++) {
        const EntityColumn *column = &entity->columns[i];
        if (strchr(column->name, '"') || !column->description || (column->references && !column->referenced))
            abort();
    }
    for (size_t c = 0; c < entity->children_count; c++) {
        if (entity->children[c].parent != entity)
            abort();
        check_entity(&entity->children[c]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length_bytes)
{
    static Arena *arena;
    if (arena == NULL)
        arena = arena_new();
    arena_reset(arena);
    EntityMapping mapping;
    Error err = {0};
    if (!entity_mapping_parse((const char *)data, length_bytes, "fuzz.json", arena, &mapping, &err)) {
        if (err.code == ERROR_NONE)
            abort();
        return 0;
    }
    for (size_t i = 0; i < mapping.entities_count; i++)
        check_entity(&mapping.entities[i]);
    return 0;
}

void fuzz_seeds(FuzzTake *take)
{
    const char *const seeds[] = {entity_mapping_company_sql, entity_mapping_company_documents, "{}", "[1"};
    fuzz_take_texts(seeds, sizeof seeds / sizeof seeds[0], take);
}
