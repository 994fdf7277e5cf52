/* The answers of Feast's POST /get-online-features: values by column. Pure. */
#pragma once

#include "services/feature-store/feast/feast_request.h"
#include "services/feature-store/online/feature_row.h"

typedef enum FeastStatus { FEAST_PRESENT, FEAST_NULL_VALUE, FEAST_NOT_FOUND, FEAST_OUTSIDE_MAX_AGE } FeastStatus;
enum { FEAST_STATUSES = FEAST_OUTSIDE_MAX_AGE + 1 };
const char *feast_status_name(FeastStatus status);

/* What the online store has of one entity and view. */
typedef struct FeastEntityRow {
    bool found;
    FeatureRow row;
} FeastEntityRow;

/* rows[view * entities_count + entity]. Values that are not PRESENT are null. Counts the statuses per view into
 * ret_counts[view][status], which has a row per view of the request. */
void feast_response_write(const FeastRequest *request, const FeastEntityRow *rows, Instant now, Buffer *out,
                          size_t (*ret_counts)[FEAST_STATUSES]);
