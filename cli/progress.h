/* Progress of long steps: one changing line on a terminal, a line every few seconds elsewhere. */
#pragma once

#include <stdint.h>
#include "common/error.h"

typedef struct Progress {
    char title[64];
    double started_s, shown_s;
    bool terminal;
} Progress;

void progress_begin(Progress *progress, const char *title);
/* `total` 0: unknown. `unit` is a plural noun. Shown at most a few times a second. */
void progress_count(Progress *progress, int64_t done, int64_t total, const char *unit);
void progress_text(Progress *progress, const char *format, ...) PRINTF_LIKE(2, 3);
/* Ends the step with what was achieved and the seconds it took. */
void progress_end(Progress *progress, const char *format, ...) PRINTF_LIKE(2, 3);
