#include "services/ingest/privacy/privacy_filter.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "gen/ingest_sql.h"
#include "services/ingest/privacy/batch_strip.h"

struct PrivacyFilter {
    pthread_rwlock_t lock;
    Tombstones *tombstones; /* NULL: none was needed yet */
    int64_t newest;         /* number of the newest one read; 0: none */
};

PrivacyFilter *privacy_filter_new(void)
{
    PrivacyFilter *filter = calloc(1, sizeof *filter);
    if (!filter)
        abort();
    pthread_rwlock_init(&filter->lock, NULL);
    return filter;
}

void privacy_filter_free(PrivacyFilter *filter)
{
    if (!filter)
        return;
    tombstones_free(filter->tombstones);
    pthread_rwlock_destroy(&filter->lock);
    free(filter);
}

static void copy_bytes(const PGresult *rows, int row, int column, uint8_t *out, size_t size_bytes)
{
    size_t length_bytes;
    const void *bytes = pg_get_bytes(rows, row, column, &length_bytes);
    memcpy(out, bytes, length_bytes < size_bytes ? length_bytes : size_bytes);
}

static bool read_keys(PgConnection *connection, TombstoneKeys *ret_keys, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    if (!pg_run(connection, &sql_select_salt, PG_PARAMS(), &row, err))
        return false;
    if (PQntuples(row) != 1)
        return error_set(err, ERROR_INTERNAL, "personal.salt is empty: restore its row from a backup");
    copy_bytes(row, 0, 0, ret_keys->hmac_key, sizeof ret_keys->hmac_key);
    copy_bytes(row, 0, 1, ret_keys->lookup_key, sizeof ret_keys->lookup_key);
    return true;
}

bool privacy_tombstone_of(PgConnection *connection, const char *customer_id, Tombstone *ret_tombstone, Error *err)
{
    TombstoneKeys keys;
    if (!read_keys(connection, &keys, err))
        return false;
    *ret_tombstone = tombstone_of(&keys, customer_id, strlen(customer_id));
    return true;
}

static bool add_tombstones(void *context, const PGresult *rows, Error *err)
{
    (void)err;
    for (int i = 0; i < PQntuples(rows); i++) {
        Tombstone tombstone = {.lookup_hash = (uint64_t)pg_get_int(rows, i, 1),
                               .id_bytes = (size_t)pg_get_int(rows, i, 2)};
        copy_bytes(rows, i, 0, tombstone.hmac, sizeof tombstone.hmac);
        tombstones_add(context, &tombstone);
    }
    return true;
}

/* Under the lock for writing. */
static bool read_new(PrivacyFilter *filter, PgConnection *connection, int64_t newest, Error *err)
{
    TombstoneKeys keys;
    if (newest < filter->newest || !filter->tombstones) { /* less than before: the database was restored */
        if (!read_keys(connection, &keys, err))
            return false;
        tombstones_free(filter->tombstones);
        filter->tombstones = tombstones_new(&keys);
        filter->newest = 0;
    }
    if (!pg_each(connection, &sql_select_tombstones, PG_PARAMS(pg_int(filter->newest), pg_int(newest)), add_tombstones,
                 filter->tombstones, err)) {
        tombstones_free(filter->tombstones); /* some may have been added */
        filter->tombstones = NULL;
        filter->newest = 0;
        return false;
    }
    filter->newest = newest;
    return true;
}

bool privacy_filter_hold(PrivacyFilter *filter, PgConnection *connection, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    if (!pg_run(connection, &sql_hold_tombstones, PG_PARAMS(), &row, err))
        return false;
    int64_t newest = pg_get_int(row, 0, 0);
    pthread_rwlock_wrlock(&filter->lock);
    bool ok = newest == filter->newest || read_new(filter, connection, newest, err);
    pthread_rwlock_unlock(&filter->lock);
    return ok;
}

bool privacy_filter_knows(PrivacyFilter *filter, const char *customer_id, size_t length_bytes)
{
    pthread_rwlock_rdlock(&filter->lock);
    bool knows = false;
    if (filter->tombstones) {
        PersonalIds ids = tombstones_ids(filter->tombstones);
        knows = personal_ids_hold(&ids, customer_id, length_bytes);
    }
    pthread_rwlock_unlock(&filter->lock);
    return knows;
}

/* Returns whether anything was taken out. */
static bool strip(PrivacyFilter *filter, OrderBatch *batch)
{
    pthread_rwlock_rdlock(&filter->lock);
    bool stripped = false;
    if (filter->tombstones && batch->newest_tombstone != filter->newest) {
        PersonalIds ids = tombstones_ids(filter->tombstones);
        stripped = batch_strip(batch, &ids);
        batch->newest_tombstone = filter->newest;
    }
    pthread_rwlock_unlock(&filter->lock);
    return stripped;
}

void privacy_filter_strip(PrivacyFilter *filter, OrderBatch *batch)
{
    (void)strip(filter, batch);
}

bool privacy_filter_admit(PrivacyFilter *filter, PgConnection *connection, OrderBatch *batch, Error *err)
{
    return privacy_filter_hold(filter, connection, err) && (!strip(filter, batch) || order_batch_pack(batch, err));
}
