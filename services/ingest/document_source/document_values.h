/* One BSON value as a column's value in Postgres' text form, wherever nothing is lost by it. Pure. */
#pragma once

#include <bson/bson.h>
#include "services/ingest/entities/entity.h"

/* `*ret_value` NULL: null. When false, `*ret_why` says why it can't be read as that type (static text). */
bool document_value(EntityType type, const bson_iter_t *value, Arena *arena, const char **ret_value,
                    const char **ret_why) MUST_CHECK;
/* A date, RFC 3339 text, or a number: seconds since 1970 below 1e11, milliseconds from there on. */
bool document_instant(const bson_iter_t *value, Instant *ret_instant) MUST_CHECK;
