#include "services/feature-store/online/online_reader.h"

#include "common/clock.h"

enum { QUICK_DEADLINE_MS = 5, PATIENT_DEADLINE_MS = 1000, LOOK_AGAIN_MS = 1000, RETRY_AFTER_S = 1 };
enum { QUICK_ROWS_MAX = 16 }; /* of which the answer is made while other connections wait */

void online_reader_init(OnlineReader *reader, RedisPool *patient, const char *address, const char *password)
{
    *reader = (OnlineReader){
        .patient = patient,
        .quick = redis_pool_new(address, password, 1, QUICK_DEADLINE_MS),
    };
}

void online_reader_fini(OnlineReader *reader)
{
    redis_pool_free(reader->quick);
}

static bool read_from(RedisPool *pool, int deadline_ms, const FeastRequest *request, Arena *arena,
                      FeastEntityRow **ret_rows, Error *err)
{
    REDIS_SCOPED RedisConnection *redis = NULL;
    return redis_acquire(pool, deadline_ms, &redis, err) && online_store_read(redis, request, arena, ret_rows, err);
}

/* Remembers whether it went well. */
static bool read_quickly(OnlineReader *reader, const FeastRequest *request, Arena *arena, FeastEntityRow **ret_rows)
{
    Error ignored = {0};
    bool ok = read_from(reader->quick, QUICK_DEADLINE_MS, request, arena, ret_rows, &ignored);
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
    if (read_from(reader->patient, PATIENT_DEADLINE_MS, request, arena, ret_rows, err))
        return true;
    if (error_is_transient(err)) {
        err->code = ERROR_UNAVAILABLE;
        err->retry_after_s = RETRY_AFTER_S;
    }
    return false;
}
