/* Worker that looks at every view that is kept: freshness, what its values look like and how far they have moved, and
 * whether online and offline agree; and at the two servers. What it finds are metrics, and the statistics' parity. */
#pragma once

#include <pthread.h>
#include "common/worker.h"
#include "services/feature-store/monitoring/parity.h"

typedef struct FeatureMonitor {
    pthread_mutex_t lock;                   /* of `parity` */
    ParityResult parity[FEATURE_VIEWS_MAX]; /* by place of the view; `at` 0: not checked yet */
} FeatureMonitor;

WorkerFunction feature_monitor_step;

/* The last check of the view at that place. */
ParityResult feature_monitor_parity(FeatureMonitor *monitor, size_t view);
