#include <math.h>
#include <stdlib.h>
#include "cli/history_csv.h"
#include "tests/fuzz/fuzz.h"

static void check_history(const DemandHistory *history)
{
    for (size_t i = 0; i < history->count; i++) {
        const DemandSeries *series = &history->series[i];
        for (size_t h = 0; h < series->hours; h++) {
            if (!isnan(series->demand[h]) && !(series->demand[h] >= 0 && isfinite(series->demand[h])))
                abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length_bytes)
{
    static const TimeZone *utc;
    HistoryCsv csv = {0};
    Error err;
    if (utc == NULL && !timezone_get("UTC", &utc, &err))
        abort();
    if (!history_csv_read(fuzz_file(data, length_bytes), utc, "", &csv, &err))
        return 0;
    check_history(&csv.history);
    ARENA_SCOPED Arena *arena = arena_new();
    DemandHistory cut;
    history_csv_cut(&csv, csv.first_hour + (csv.last_hour - csv.first_hour) / 2, arena, &cut);
    check_history(&cut);
    history_csv_fini(&csv);
    return 0;
}

void fuzz_seeds(FuzzTake *take)
{
    static const char *const seeds[] = {
        "geo,hour_utc,count\na,2024-01-01T00:00:00Z,1\na,2024-01-01T05:00:00Z,2.5\nb,2024-01-01T01:00:00Z,0\n",
        "\xef\xbb\xbf"
        "count,note,hour_utc,geo\r\n2,x,2024-01-01T02:00:00,b\r\n4,,2024-01-01T01:00:00+01:00,\"a,1\"\n",
        "geo,hour_utc,count\na,2024-01-01T00:30:00Z,1\n",
        "geo,hour_utc,count\na,2024-01-01T00:00:00Z,-1\n",
        "geo,hour_utc,count\na,1970-01-01T00:00:00Z,1e300\na,1989-01-01T00:00:00Z,nan\n",
    };
    fuzz_take_texts(seeds, sizeof seeds / sizeof seeds[0], take);
}
