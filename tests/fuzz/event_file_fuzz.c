#include <stdlib.h>
#include <string.h>
#include "cli/event_file.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length_bytes)
{
    EventFile *file = NULL;
    Error err;
    if (!event_file_open(fuzz_file(data, length_bytes), &file, &err))
        return 0;
    FileEvent event;
    bool more = true;
    while (more && event_file_next(file, &event, &more, &err)) {
        if (more && !(event.lat >= -90 && event.lat <= 90 && event.lon >= -180 && event.lon <= 180))
            abort();
    }
    event_file_close(file);
    return 0;
}

void fuzz_seeds(FuzzTake *take)
{
    static const char *const seeds[] = {
        "event_id,ts_utc,geo,lat,lon\ne0,2026-06-01T10:00:00Z,label,37.77,-122.42\ne1,2026-06-01 10:00:01Z,l,-90,180\n",
        "\xef\xbb\xbflon,lat,ts_utc,event_id\r\n1.5,2,2014-01-01T01:00:00+01:00,\"a,\"\"1\"\"\"\r\n\r\n",
        "event_id,ts_utc,lat,lon\ne0,2026-06-01T10:00:00Z,nan,1e999\n",
        "event_id,lat,lon\n",
        "event_id,ts_utc,lat,lon\n\"open",
    };
    fuzz_take_texts(seeds, sizeof seeds / sizeof seeds[0], take);
}
