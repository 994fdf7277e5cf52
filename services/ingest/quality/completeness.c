#include "services/ingest/quality/completeness.h"

#include <math.h>
#include <stdbool.h>

double completeness_log10_probability(int64_t orders, double expected)
{
    static const double negligible = 1e-17;
    if ((double)orders >= expected)
        return 0;
    /* P(X <= n) = P(X = n) * (1 + n/m + n(n-1)/m^2 + ...) */
    double sum = 1, term = 1;
    for (int64_t i = orders; i > 0 && term > sum * negligible; i--) {
        term *= (double)i / expected;
        sum += term;
    }
    double log_probability = -expected + (double)orders * log(expected) - lgamma((double)orders + 1) + log(sum);
    return log_probability > 0 ? 0 : log_probability / log(10);
}

double completeness_expected(const int64_t *orders, size_t index)
{
    double sorted[COMPLETENESS_WEEKS];
    size_t weeks = 0;
    for (size_t week = 1; week <= COMPLETENESS_WEEKS && week * HOURS_PER_WEEK <= index; week++) {
        double value = (double)orders[index - week * HOURS_PER_WEEK];
        size_t at = weeks++;
        for (; at > 0 && sorted[at - 1] > value; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = value;
    }
    if (weeks < COMPLETENESS_WEEKS_MIN)
        return -1;
    return (sorted[(weeks - 1) / 2] + sorted[weeks / 2]) / 2;
}

/* A row of poor hours in the making; `to` is after the last hour in which orders were to be expected. */
typedef struct Run {
    bool is_open;
    CompletenessGap gap;
} Run;

static size_t end_run(Run *run, Hour from, CompletenessGap *gaps, size_t count, size_t gaps_max)
{
    if (!run->is_open)
        return count;
    run->is_open = false;
    run->gap.log10_probability = completeness_log10_probability(run->gap.orders, run->gap.expected);
    if (run->gap.log10_probability > COMPLETENESS_LOG10_PROBABILITY_MAX || run->gap.from < from || count == gaps_max)
        return count;
    gaps[count] = run->gap;
    return count + 1;
}

size_t completeness_find_gaps(const int64_t *orders, Hour first, size_t count, Hour from, CompletenessGap *ret_gaps,
                              size_t gaps_max)
{
    size_t found = 0;
    Run run = {.is_open = false};
    for (size_t i = 0; i < count; i++) {
        double expected = completeness_expected(orders, i);
        bool quiet = expected == 0 && orders[i] == 0; /* tells nothing: what was before it goes on */
        if (quiet)
            continue;
        if (expected <= 0 || (double)orders[i] >= COMPLETENESS_POOR_SHARE * expected) {
            found = end_run(&run, from, ret_gaps, found, gaps_max);
            continue;
        }
        Hour hour = first + (Hour)i;
        if (!run.is_open)
            run = (Run){.is_open = true, .gap = {.from = hour}};
        run.gap.to = hour + 1;
        run.gap.orders += orders[i];
        run.gap.expected += expected;
    }
    return end_run(&run, from, ret_gaps, found, gaps_max);
}
