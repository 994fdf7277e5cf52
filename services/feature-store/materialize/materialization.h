/* Materializations as features.materialization has them. */
#pragma once

#include <jansson.h>
#include "common/pg.h"
#include "services/feature-store/materialize/materialize_request.h"

/* Queues one run per view, all or none. ret_ids: in the order of the views. CONFLICT names the run of one of the views
 * that is not finished, unless `force`: the new run then comes after it. */
bool materialization_queue(PgConnection *connection, const MaterializeRequest *request, bool force, int64_t *ret_ids,
                           Error *err) MUST_CHECK;
/* The newest `limit`, newest first, as a list. */
bool materialization_list(PgConnection *connection, int64_t limit, json_t **ret_list, Error *err) MUST_CHECK;
/* One as JSON; NOT_FOUND. */
bool materialization_get(PgConnection *connection, int64_t id, json_t **ret_json, Error *err) MUST_CHECK;
