/* Prepared bodies of GET /forecast: serialized at first use, kept in the snapshot. */
#pragma once

#include "services/forecast-api/answer.h"

/* The body of 168 hours. The snapshot must be held, or be looked at between reclaim_enter() and reclaim_leave(); the
 * caller lets go of the body with shared_unref(). */
bool answer_body(const Snapshot *snapshot, SnapshotGeo *geo, Vertical vertical, PreparedBody **ret_body,
                 Error *err) MUST_CHECK;
