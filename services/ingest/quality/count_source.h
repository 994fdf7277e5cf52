/* Rows of the company's databases, and sums of their amounts, against the tables that they are mapped to. */
#pragma once

#include "common/pg.h"
#include "services/ingest/entities/entity.h"

/* Notes a count of each entity of the mapping in quality.reconciliation, in the open transaction. Rows in quarantine
 * explain as many missing ones. UNAVAILABLE when the source can't be reached. */
bool count_sql_source(PgConnection *repository, const EntityMapping *mapping, const char *conninfo, Hour day,
                      Error *err) MUST_CHECK;
bool count_document_source(PgConnection *repository, const EntityMapping *mapping, const char *uri,
                           const char *database, Hour day, Error *err) MUST_CHECK;
