#include "services/forecast-api/set_store.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include "gen/forecast_api_sql.h"

enum { CHUNK_BYTES = 4 << 20, CHUNK_ZSTD_LEVEL = 1 };

void set_checksum(const void *data, size_t length_bytes, char out[SET_CHECKSUM_TEXT_MAX])
{
    char *text = g_compute_checksum_for_data(G_CHECKSUM_SHA256, data, length_bytes);
    snprintf(out, SET_CHECKSUM_TEXT_MAX, "%s", text);
    g_free(text);
}

static StoredSet stored_set(const PGresult *result, int row)
{
    StoredSet set = {.cutoff = pg_get_hour(result, row, 1),
                     .issued_at = pg_get_instant(result, row, 2),
                     .hours = pg_get_int(result, row, 4),
                     .series_count = pg_get_int(result, row, 5),
                     .length_bytes = pg_get_int(result, row, 7),
                     .received_at = pg_get_instant(result, row, 9),
                     .published_at = pg_get_instant(result, row, 10),
                     .published_seq = pg_get_int(result, row, 11)};
    snprintf(set.id, sizeof set.id, "%s", pg_get_text(result, row, 0));
    snprintf(set.kind, sizeof set.kind, "%s", pg_get_text(result, row, 3));
    snprintf(set.checksum, sizeof set.checksum, "%s", pg_get_text(result, row, 6));
    snprintf(set.status, sizeof set.status, "%s", pg_get_text(result, row, 8));
    return set;
}

bool set_store_get(PgConnection *connection, const char *id, StoredSet *ret_set, Error *err)
{
    PGresult *result PG_RESULT_SCOPED = NULL;
    if (!pg_run(connection, &sql_select_forecast_set, PG_PARAMS(pg_text(id)), &result, err))
        return false;
    if (PQntuples(result) == 0)
        return error_set(err, ERROR_NOT_FOUND, "there is no forecast set \"%.64s\". GET /forecast-sets lists them", id);
    *ret_set = stored_set(result, 0);
    return true;
}

bool set_store_list(PgConnection *connection, size_t limit, StoredSet *ret_sets, size_t *ret_count, Error *err)
{
    PGresult *result PG_RESULT_SCOPED = NULL;
    if (!pg_run(connection, &sql_select_forecast_sets, PG_PARAMS(pg_int((int64_t)limit)), &result, err))
        return false;
    *ret_count = (size_t)PQntuples(result);
    for (int row = 0; row < PQntuples(result); row++)
        ret_sets[row] = stored_set(result, row);
    return true;
}

static bool insert_chunks(PgConnection *connection, const char *id, const char *data, size_t length_bytes, Error *err)
{
    PgCopy *copy;
    if (!pg_copy_begin(connection, "forecast.set_chunk (set_id, chunk, content, length_bytes)", &copy, err))
        return false;
    size_t bound = ZSTD_compressBound(CHUNK_BYTES);
    void *compressed = malloc(bound);
    bool ok = compressed != NULL;
    for (size_t from = 0; ok && from < length_bytes; from += CHUNK_BYTES) {
        size_t piece = length_bytes - from < CHUNK_BYTES ? length_bytes - from : CHUNK_BYTES;
        size_t size = ZSTD_compress(compressed, bound, data + from, piece, CHUNK_ZSTD_LEVEL);
        ok = !ZSTD_isError(size);
        if (!ok)
            break;
        pg_copy_row(copy, 4);
        pg_copy_text(copy, id);
        pg_copy_int8(copy, (int64_t)(from / CHUNK_BYTES));
        pg_copy_bytes(copy, compressed, size);
        pg_copy_int8(copy, (int64_t)piece);
    }
    free(compressed);
    if (!pg_copy_end(copy, !ok, NULL, err))
        return false;
    return ok || error_set(err, ERROR_UNAVAILABLE, "not enough memory to compress forecast set %s", id);
}

static bool check_same(PgConnection *connection, const char *id, const char *checksum, Error *err)
{
    StoredSet stored;
    if (!set_store_get(connection, id, &stored, err))
        return false;
    if (strcmp(stored.checksum, checksum) != 0)
        return error_set(err, ERROR_CONFLICT,
                         "forecast set %s is stored already with other content (SHA-256 %.12s..., not %.12s...)", id,
                         stored.checksum, checksum);
    return true;
}

static bool insert_set(PgConnection *connection, const IssuedSet *set, const void *data, size_t length_bytes,
                       const char *checksum, bool *ret_created, Error *err)
{
    PGresult *result PG_RESULT_SCOPED = NULL;
    if (!pg_run(connection, &sql_insert_forecast_set,
                PG_PARAMS(pg_text(set->id), pg_hour(set->cutoff), pg_instant(set->issued_at), pg_text(set->kind),
                          pg_int((int64_t)set->hours), pg_int((int64_t)set->count), pg_text(checksum),
                          pg_int((int64_t)length_bytes)),
                &result, err))
        return false;
    *ret_created = PQntuples(result) == 1;
    return *ret_created ? insert_chunks(connection, set->id, data, length_bytes, err)
                        : check_same(connection, set->id, checksum, err);
}

bool set_store_put(PgConnection *connection, const IssuedSet *set, const void *data, size_t length_bytes,
                   const char *checksum, bool *ret_created, Error *err)
{
    bool created;
    if (!pg_begin(connection, err))
        return false;
    if (!insert_set(connection, set, data, length_bytes, checksum, &created, err)) {
        pg_rollback(connection);
        return false;
    }
    if (!pg_commit(connection, err))
        return false;
    *ret_created = created;
    return true;
}

static bool decompress_chunks(const PGresult *result, const char *id, char *data, size_t length_bytes, Error *err)
{
    size_t at = 0;
    for (int row = 0; row < PQntuples(result); row++) {
        size_t compressed_bytes;
        const void *compressed = pg_get_bytes(result, row, 0, &compressed_bytes);
        size_t size = ZSTD_decompress(data + at, length_bytes - at, compressed, compressed_bytes);
        if (ZSTD_isError(size))
            return error_set(err, ERROR_INTERNAL, "stored forecast set %s, chunk %d: %s", id, row,
                             ZSTD_getErrorName(size));
        at += size;
    }
    return at == length_bytes ||
           error_set(err, ERROR_INTERNAL, "stored forecast set %s is %zu bytes, not %zu", id, at, length_bytes);
}

bool set_store_load(PgConnection *connection, const char *id, IssuedSet **ret_set, Error *err)
{
    PGresult *result PG_RESULT_SCOPED = NULL;
    if (!pg_run(connection, &sql_select_set_chunks, PG_PARAMS(pg_text(id)), &result, err))
        return false;
    if (PQntuples(result) == 0)
        return error_set(err, ERROR_NOT_FOUND, "the content of forecast set %s is no longer kept", id);
    size_t length_bytes = 0;
    for (int row = 0; row < PQntuples(result); row++)
        length_bytes += (size_t)pg_get_int(result, row, 1);
    char *data = malloc(length_bytes);
    if (data == NULL)
        return error_set(err, ERROR_UNAVAILABLE, "not enough memory for forecast set %s", id);
    bool ok =
        decompress_chunks(result, id, data, length_bytes, err) && issued_set_read(id, data, length_bytes, ret_set, err);
    free(data);
    return ok;
}

/* The set being served becomes `status`; its id, or an empty one. */
static bool supersede(PgConnection *connection, const char *status, char ret_id[ISSUED_SET_ID_MAX + 1], Error *err)
{
    PGresult *result PG_RESULT_SCOPED = NULL;
    if (!pg_run(connection, &sql_supersede_forecast_set, PG_PARAMS(pg_text(status)), &result, err))
        return false;
    snprintf(ret_id, ISSUED_SET_ID_MAX + 1, "%s", PQntuples(result) == 1 ? pg_get_text(result, 0, 0) : "");
    return true;
}

static bool serve(PgConnection *connection, const char *id, const char *action, const char *by, Error *err)
{
    return pg_run(connection, &sql_publish_forecast_set, PG_PARAMS(pg_text(id), pg_text(action), pg_text(by)), NULL,
                  err);
}

static bool publish(PgConnection *connection, const char *id, const char *by, StoredSet *ret_set, Error *err)
{
    char before[ISSUED_SET_ID_MAX + 1];
    if (!pg_run(connection, &sql_lock_forecast_revisions, PG_PARAMS(), NULL, err) ||
        !set_store_get(connection, id, ret_set, err))
        return false;
    if (strcmp(ret_set->status, "withdrawn") == 0)
        return error_set(err, ERROR_CONFLICT, "forecast set %s was rolled back; issue a new one", id);
    if (ret_set->published_seq != 0)
        return true;
    return supersede(connection, "superseded", before, err) && serve(connection, id, "publish", by, err) &&
           set_store_get(connection, id, ret_set, err);
}

static bool roll_back(PgConnection *connection, const char *from, const char *by, StoredSet *ret_set, Error *err)
{
    char served[ISSUED_SET_ID_MAX + 1];
    PGresult *result PG_RESULT_SCOPED = NULL;
    if (!pg_run(connection, &sql_lock_forecast_revisions, PG_PARAMS(), NULL, err) ||
        !pg_run(connection, &sql_select_rollback_target, PG_PARAMS(), &result, err) ||
        !supersede(connection, "withdrawn", served, err))
        return false;
    if (from != NULL && strcmp(from, served) != 0)
        return error_set_at(err, ERROR_CONFLICT, "from", "forecast set %.64s is not being served, but %s is", from,
                            *served != '\0' ? served : "none");
    if (PQntuples(result) == 0)
        return error_set(err, ERROR_CONFLICT, "there is no earlier published forecast set to go back to");
    const char *target = pg_get_text(result, 0, 0);
    return serve(connection, target, "rollback", by, err) && set_store_get(connection, target, ret_set, err);
}

bool set_store_publish(PgConnection *connection, const char *id, const char *by, StoredSet *ret_set, Error *err)
{
    StoredSet set;
    if (!pg_begin(connection, err))
        return false;
    if (!publish(connection, id, by, &set, err)) {
        pg_rollback(connection);
        return false;
    }
    if (!pg_commit(connection, err))
        return false;
    *ret_set = set;
    return true;
}

bool set_store_rollback(PgConnection *connection, const char *from, const char *by, StoredSet *ret_set, Error *err)
{
    StoredSet set;
    if (!pg_begin(connection, err))
        return false;
    if (!roll_back(connection, from, by, &set, err)) {
        pg_rollback(connection);
        return false;
    }
    if (!pg_commit(connection, err))
        return false;
    *ret_set = set;
    return true;
}
