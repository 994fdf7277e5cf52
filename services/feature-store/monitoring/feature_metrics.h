/* Metrics that several parts of the feature store report to: one metric has one place. */
#pragma once

#include "services/feature-store/feast/feast_response.h"

/* Of values answered: how many per status, since the process began. */
void feature_metrics_served(const FeatureView *view, const size_t counts[FEAST_STATUSES]);
void feature_metrics_served_read(const FeatureView *view, int64_t ret_counts[FEAST_STATUSES]);
/* Age of the oldest event among the rows that are served, if any was found. */
void feature_metrics_event_age(const FeatureView *view, const FeastEntityRow *rows, size_t count, Instant now);
/* Rows that were to go online: stored, or skipped since what is there is as new. */
void feature_metrics_rows_online(const FeatureView *view, size_t applied, size_t skipped);
void feature_metrics_freshness(const char *view, double seconds);
