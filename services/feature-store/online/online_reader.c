#include "services/feature-store/online/online_reader.h"

#include "common/clock.h"

enum { QUICK_DEADLINE_MS = 20, LOOK_AGAIN_MS = 200 };
enum { QUICK_ROWS_MAX = 16 }; /* of which the answer is made while other connections wait */

bool online_reader_init(OnlineReader *reader, RedisClient *patient, const RedisOptions *options, Error *err)
{
    *reader = (OnlineReader){.patient = patient};
    RedisOptions quick = *options;
    quick.connections = 1;
    quick.timeout_ms = QUICK_DEADLINE_MS;
    return redis_client_new(&quick, &reader->quick, err);
}

void online_reader_fini(OnlineReader *reader)
{
    redis_client_free(reader->quick);
}

/* Remembers whether it went well. */
static bool read_quickly(OnlineReader *reader, const FeastRequest *request, Arena *arena, FeastEntityRow **ret_rows)
{
    Error ignored = {0};
    bool ok = online_store_read(reader->quick, request, arena, ret_rows, &ignored);
    if (!ok)
        atomic_store(&reader->look_again_ms, clock_monotonic_ms() + LOOK_AGAIN_MS);
    atomic_store(&reader->quick_works, ok);
    return ok;
}

bool online_reader_try(OnlineReader *reader, const FeastRequest *request, Arena *arena, FeastEntityRow **ret_rows)
{
    return request->entities_count * request->views_count <= QUICK_ROWS_MAX && atomic_load(&reader->quick_works) &&
           read_quickly(reader, request, arena, ret_rows);
}

bool online_reader_wait(OnlineReader *reader, const FeastRequest *request, Arena *arena, FeastEntityRow **ret_rows,
                        Error *err)
{
    /* Connecting, and finding out that it works again, is done here. */
    if (!atomic_load(&reader->quick_works) && clock_monotonic_ms() >= atomic_load(&reader->look_again_ms) &&
        read_quickly(reader, request, arena, ret_rows))
        return true;
    return online_store_read(reader->patient, request, arena, ret_rows, err);
}
