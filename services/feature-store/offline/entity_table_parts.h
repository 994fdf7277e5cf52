/* What the readers of EntityTable share. */
#pragma once

#include "services/feature-store/offline/entity_table.h"

/* Room for the columns and rows, or TOO_LARGE. Names and types are still to be set. */
bool entity_table_begin(size_t columns, size_t rows, Arena *arena, EntityTable *ret_table, Error *err) MUST_CHECK;
/* UNPROCESSABLE when there is a column without a name or two of one name. */
bool entity_table_check(const EntityTable *table, Error *err) MUST_CHECK;
