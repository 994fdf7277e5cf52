/* One transaction of the entity store in the making, shared by the files that write its parts: entity_stage.c (rows on
 * their way into temporary tables), entity_write.c (from there into the tables of an entity), entity_quarantine.c (rows
 * that break a rule) and entity_locate.c (locations of branches). */
#pragma once

#include "services/ingest/entities/entity_rules.h"
#include "services/ingest/entities/entity_store.h"

typedef struct EntityTransaction {
    PgConnection *connection;
    Arena *arena; /* of the transaction */
    const EntityMapping *mapping;
    const char *source, *stream;
    EntityLocator *locate; /* NULL: locations are not needed */
    void *context;
    int32_t geo_version; /* of the geos when it began */
    EntityResult result;
    bool any_erased;  /* there are erased customers */
    int64_t retried;  /* rows of the quarantine that were recorded: not among the result's changes */
    int64_t resolved; /* rows of the quarantine that a good version has closed */
} EntityTransaction;

/* A change on its way. */
typedef struct EntityStaged {
    const EntityChange *change;
    EntityChange completed; /* when values that were not sent could be had from a change before it */
    int32_t change_no;
    int64_t quarantine_id; /* that it comes from; 0: from the source */
    bool faulty;
    EntityFault fault;
    const char *missing_entity, *missing_key;
} EntityStaged;

/* Changes of one entity in the order in which they happened. */
typedef struct EntityGroup {
    const Entity *entity;
    EntityStaged *items;
    size_t count;
} EntityGroup;

/* Runs the template filled for the entity; see entity_sql_fill. */
bool entity_run(const EntityTransaction *transaction, const char *template, const Entity *entity, PgParams params,
                PGresult **ret_result, Error *err) MUST_CHECK;

/* Takes out what is an erased customer's: its own rows are dropped, facts about it lose whose they are. Items keep
 * their order. */
bool entity_strip(const EntityTransaction *transaction, EntityStaged *items, size_t *count, Error *err) MUST_CHECK;

/* Fills temporary tables stage_<name> of the entity and its children with the changes that break no rule, and marks the
 * others as faulty. */
bool entity_stage(EntityTransaction *transaction, EntityGroup *group, Error *err) MUST_CHECK;
/* Writes a group: history, present state, personal data, quarantine, locations; counts into the result. */
bool entity_write(EntityTransaction *transaction, EntityGroup *group, Error *err) MUST_CHECK;

/* After the group was staged: closes what newer versions supersede and writes the faulty ones. */
bool entity_quarantine_write(EntityTransaction *transaction, EntityGroup *group, Error *err) MUST_CHECK;
/* Open rows of the source that are worth another try, at most ENTITY_RETRY_MAX: those that waited for what has just
 * been recorded of `arrived`, or all when it is NULL. In the arena, sorted by entity. */
enum { ENTITY_RETRY_MAX = 10000 };
bool entity_quarantine_read(const EntityTransaction *transaction, const Entity *arrived, EntityStaged **ret_items,
                            size_t *ret_count, Error *err) MUST_CHECK;

/* Passes locations that a group brought on to core.branch_location. */
bool entity_locate(EntityTransaction *transaction, const Entity *entity, Error *err) MUST_CHECK;
