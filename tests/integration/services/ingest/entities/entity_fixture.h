/* A small mapping with its tables, and changes of its things in a few words. */
#pragma once

#include "services/ingest/entities/entity_store.h"
#include "tests/integration/services/ingest/ingest_database.h"

typedef struct EntityFixture {
    Arena *arena;
    EntityMapping mapping;
    EntityChange changes[64]; /* of the next batch */
    size_t count;
    const char *position; /* as recorded last */
    int positions;
} EntityFixture;

extern EntityFixture entity_fixture;

void entity_fixture_begin(void);
void entity_fixture_end(void);
/* The fixture's mapping with one text of it replaced by another. */
EntityMapping entity_fixture_mapping(const char *replaced, const char *by);

/* Adds a change to the next batch: values of the columns in the order of the mapping, NULL: null. Returns it. */
EntityChange *entity_put(const char *entity, const char *valid_from, ...);
EntityChange *entity_delete(const char *entity, const char *valid_from, const char *key);
/* The items of the change's only child, which has two columns: pairs, then NULL. */
void entity_items(EntityChange *change, ...);
/* Writes the batch; a failure fails the test. */
EntityResult entity_apply(void);
/* Result of a query with one text, in the fixture's arena. */
const char *entity_text(const char *sql, ...) PRINTF_LIKE(1, 2);
