/* Rules of a mapping that a change can be held against by itself. What it refers to is looked up in the database. Pure.
 */
#pragma once

#include "services/ingest/entities/entity.h"

typedef struct EntityFault {
    const char *rule;   /* as in raw.quarantine: "unreadable", ...; static */
    const char *detail; /* for people, in the arena; without values of personal columns */
    bool key_unreadable;
} EntityFault;

/* Checks the thing and its children. */
bool entity_rules_check(const EntityChange *change, Arena *arena, EntityFault *ret_fault);
