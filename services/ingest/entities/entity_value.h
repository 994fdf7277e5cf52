/* Whether Postgres will read a text as a value of a column's type: asked before, so that one value never fails a whole
 * batch. Pure. */
#pragma once

#include "services/ingest/entities/entity.h"

enum { ENTITY_JSON_DEPTH_MAX = 200 };

/* On false *ret_why is a static text such as "is not a whole number". Instants are RFC 3339 or as Postgres writes them;
 * without an offset they are UTC. Keys must be in the form in which Postgres writes them, see entity_value_check_key.
 */
bool entity_value_check(EntityType type, const char *text, const char **ret_why);
/* A key is compared as text too: "7" is good, "007" and "+7" are not. */
bool entity_value_check_key(EntityType type, const char *text, const char **ret_why);
/* Compares two checked numbers: negative, 0 or positive. */
int entity_value_compare(const char *left, const char *right);
