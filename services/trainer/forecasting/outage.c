#include "services/trainer/forecasting/outage.h"

#include <math.h>
#include <stdint.h>
#include "common/hour.h"

enum { WEEKS_COMPARED = 4 };

/* Mean of the same hour in up to four weeks, those before first, then those after; without silent hours. */
static double expect(const double *totals, size_t hours, size_t hour)
{
    double sum = 0;
    int found = 0;
    for (int direction = -1; direction <= 1; direction += 2) {
        for (int week = 1; found < WEEKS_COMPARED; week++) {
            int64_t other = (int64_t)hour + (int64_t)direction * week * HOURS_PER_WEEK;
            if (other < 0 || other >= (int64_t)hours)
                break;
            if (totals[other] > 0) {
                sum += totals[other];
                found++;
            }
            if (week == 2 * WEEKS_COMPARED)
                break;
        }
    }
    return found ? sum / found : 0;
}

size_t outage_find(const double *totals, size_t hours, bool *ret_silent)
{
    size_t marked = 0;
    for (size_t start = 0; start < hours;) {
        size_t end = start;
        double expected = 0;
        for (; end < hours && totals[end] == 0; end++)
            expected += expect(totals, hours, end);
        for (size_t i = start; i < end; i++)
            ret_silent[i] = expected >= OUTAGE_ORDERS_MIN;
        if (expected >= OUTAGE_ORDERS_MIN)
            marked += end - start;
        if (end == start)
            ret_silent[end++] = false;
        start = end;
    }
    return marked;
}
