/* Ways in which what a source sends can be other than expected. Pure. */
#pragma once

typedef enum DriftKind { DRIFT_UNKNOWN_FIELD, DRIFT_MISSING_FIELD, DRIFT_OTHER_TYPE } DriftKind;

enum { DRIFT_PATH_MAX_BYTES = 200 };
