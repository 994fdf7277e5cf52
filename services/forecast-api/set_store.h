/* Forecast sets in Postgres. */
#pragma once

#include "common/pg.h"
#include "services/forecast-api/issued_set.h"

enum { SET_CHECKSUM_TEXT_MAX = 65 };

typedef struct StoredSet {
    char id[ISSUED_SET_ID_MAX + 1];
    char kind[8], status[12], checksum[SET_CHECKSUM_TEXT_MAX];
    Hour cutoff;
    Instant issued_at, received_at, published_at;             /* published_at: INSTANT_NONE when never */
    int64_t hours, series_count, length_bytes, published_seq; /* published_seq: 0 when never */
} StoredSet;

/* SHA-256, hexadecimal. */
void set_checksum(const void *data, size_t length_bytes, char out[SET_CHECKSUM_TEXT_MAX]);

/* NOT_FOUND when there is none with that id. */
bool set_store_get(PgConnection *connection, const char *id, StoredSet *ret_set, Error *err) MUST_CHECK;
/* The newest, at most `limit` into `ret_sets`. */
bool set_store_list(PgConnection *connection, size_t limit, StoredSet *ret_sets, size_t *ret_count,
                    Error *err) MUST_CHECK;
/* Stores a set and its content in one transaction. The same bytes under the same id again change nothing; CONFLICT for
 * other bytes. */
bool set_store_put(PgConnection *connection, const IssuedSet *set, const void *data, size_t length_bytes,
                   const char *checksum, bool *ret_created, Error *err) MUST_CHECK;
/* Reads the content back and checks it again. NOT_FOUND when it is no longer kept. */
bool set_store_load(PgConnection *connection, const char *id, IssuedSet **ret_set, Error *err) MUST_CHECK;

/* From now on this set is served. Nothing changes when it was published before, even if another is served by now, so
 * that a repeated call can't bring an old set back; CONFLICT when it was rolled back. */
bool set_store_publish(PgConnection *connection, const char *id, const char *by, StoredSet *ret_set,
                       Error *err) MUST_CHECK;
/* Back to the set published before the present one. With `from`, only if that one is being served: a repeated call
 * then answers CONFLICT. */
bool set_store_rollback(PgConnection *connection, const char *from, const char *by, StoredSet *ret_set,
                        Error *err) MUST_CHECK;
