/* Reads of the online store for requests: on the event loop only while Redis answers at once, with a connection of its
 * own; otherwise where waiting harms nobody. Thread-safe. */
#pragma once

#include <stdatomic.h>
#include "services/feature-store/online/online_store.h"

typedef struct OnlineReader {
    RedisClient *patient; /* the service's */
    RedisClient *quick;   /* owned: one connection with a short deadline */
    atomic_bool quick_works;
    _Atomic int64_t look_again_ms; /* of clock_monotonic_ms() */
} OnlineReader;

/* `options` are those of `patient`. */
bool online_reader_init(OnlineReader *reader, RedisClient *patient, const RedisOptions *options, Error *err) MUST_CHECK;
void online_reader_fini(OnlineReader *reader); /* accepts a zeroed one */

/* As online_store_read(), within 20 ms. False, without an error, when the caller has to wait for the rows. */
bool online_reader_try(OnlineReader *reader, const FeastRequest *request, Arena *arena,
                       FeastEntityRow **ret_rows) MUST_CHECK;
/* As online_store_read(). */
bool online_reader_wait(OnlineReader *reader, const FeastRequest *request, Arena *arena, FeastEntityRow **ret_rows,
                        Error *err) MUST_CHECK;
