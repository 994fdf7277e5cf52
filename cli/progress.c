#include "cli/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include "common/clock.h"

static const double terminal_interval_s = 0.2, line_interval_s = 5;

void progress_begin(Progress *progress, const char *title)
{
    *progress = (Progress){.started_s = clock_monotonic_s(), .terminal = isatty(STDOUT_FILENO)};
    snprintf(progress->title, sizeof progress->title, "%s", title);
    if (progress->terminal)
        printf("  %-22s ...", progress->title);
    else
        progress->shown_s = progress->started_s;
    fflush(stdout);
}

static bool due(Progress *progress)
{
    double now_s = clock_monotonic_s();
    if (now_s - progress->shown_s < (progress->terminal ? terminal_interval_s : line_interval_s))
        return false;
    progress->shown_s = now_s;
    return true;
}

static void show(const Progress *progress, const char *text)
{
    if (progress->terminal)
        printf("\r\033[K  %-22s %s", progress->title, text);
    else
        printf("  %-22s %s\n", progress->title, text);
    fflush(stdout);
}

void progress_count(Progress *progress, int64_t done, int64_t total, const char *unit)
{
    if (!due(progress))
        return;
    char text[128];
    if (total > 0)
        snprintf(text, sizeof text, "%3d%%  %ld of %ld %s", (int)(100 * done / total), (long)done, (long)total, unit);
    else
        snprintf(text, sizeof text, "%ld %s", (long)done, unit);
    show(progress, text);
}

void progress_text(Progress *progress, const char *format, ...)
{
    if (!due(progress))
        return;
    char text[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    show(progress, text);
}

void progress_end(Progress *progress, const char *format, ...)
{
    char text[160], line[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    snprintf(line, sizeof line, "%s (%.1f s)", text, clock_monotonic_s() - progress->started_s);
    show(progress, line);
    if (progress->terminal)
        putchar('\n');
    fflush(stdout);
}
