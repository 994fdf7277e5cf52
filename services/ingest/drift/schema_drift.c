#include "services/ingest/drift/schema_drift.h"

#include <glib.h>
#include <string.h>
#include "common/buffer.h"
#include "gen/ingest_sql.h"

enum { KEY_PARTS = 4, ARRAY_LIMIT_BYTES = 4 << 20 };

static const char separator[] = "\x1f";
static const char *const kind_names[] = {"unknown_field", "missing_field", "other_type"};

struct SchemaDrift {
    const char *source;
    GHashTable *times; /* "stream SEP path SEP kind SEP type" -> count */
};

SchemaDrift *schema_drift_new(const char *source)
{
    SchemaDrift *drift = g_new0(SchemaDrift, 1);
    drift->source = source;
    drift->times = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return drift;
}

void schema_drift_free(SchemaDrift *drift)
{
    if (!drift)
        return;
    g_hash_table_destroy(drift->times);
    g_free(drift);
}

/* Whole characters, and nothing that would be taken for a separator. */
static char *clean_path(const char *path)
{
    char *valid = g_utf8_make_valid(path, (gssize)strnlen(path, DRIFT_PATH_MAX_BYTES));
    g_strdelimit(valid, separator, '?');
    return valid;
}

void schema_drift_note(SchemaDrift *drift, const char *stream, const char *path, DriftKind kind, const char *value_type)
{
    schema_drift_add(drift, stream, path, kind, value_type, 1);
}

void schema_drift_add(SchemaDrift *drift, const char *stream, const char *path, DriftKind kind, const char *value_type,
                      int64_t times)
{
    char *clean = clean_path(path);
    char *key = g_strjoin(separator, stream, clean, kind_names[kind], value_type, NULL);
    if (!g_hash_table_contains(drift->times, key) && g_hash_table_size(drift->times) >= DRIFT_PATHS_MAX) {
        g_free(key);
        key = g_strjoin(separator, stream, "...", kind_names[kind], "", NULL);
    }
    gpointer before = g_hash_table_lookup(drift->times, key);
    g_hash_table_insert(drift->times, key, GSIZE_TO_POINTER(GPOINTER_TO_SIZE(before) + (gsize)times));
    g_free(clean);
}

bool schema_drift_is_empty(const SchemaDrift *drift)
{
    return g_hash_table_size(drift->times) == 0;
}

static void append_item(Buffer *array, const char *text)
{
    buffer_append_text(array, array->length_bytes == 0 ? "{\"" : ",\"");
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            buffer_append_char(array, '\\');
        buffer_append_char(array, *text);
    }
    buffer_append_char(array, '"');
}

static void fill_arrays(const SchemaDrift *drift, Buffer arrays[KEY_PARTS + 1])
{
    GHashTableIter iter;
    gpointer key, times;
    g_hash_table_iter_init(&iter, drift->times);
    while (g_hash_table_iter_next(&iter, &key, &times)) {
        char **parts = g_strsplit(key, separator, KEY_PARTS);
        for (int i = 0; i < KEY_PARTS; i++)
            append_item(&arrays[i], parts[i]);
        buffer_printf(&arrays[KEY_PARTS], "%s%zu", arrays[KEY_PARTS].length_bytes == 0 ? "{" : ",",
                      GPOINTER_TO_SIZE(times));
        g_strfreev(parts);
    }
    for (int i = 0; i <= KEY_PARTS; i++)
        buffer_append_char(&arrays[i], '}');
}

bool schema_drift_flush(SchemaDrift *drift, PgConnection *connection, Error *err)
{
    if (schema_drift_is_empty(drift))
        return true;
    Buffer arrays[KEY_PARTS + 1];
    for (int i = 0; i <= KEY_PARTS; i++)
        buffer_init(&arrays[i], ARRAY_LIMIT_BYTES);
    fill_arrays(drift, arrays);
    bool ok = pg_run(connection, &sql_add_schema_drift,
                     PG_PARAMS(pg_text(drift->source), pg_text(arrays[0].data), pg_text(arrays[1].data),
                               pg_text(arrays[2].data), pg_text(arrays[3].data), pg_text(arrays[4].data)),
                     NULL, err);
    for (int i = 0; i <= KEY_PARTS; i++)
        buffer_fini(&arrays[i]);
    if (ok)
        g_hash_table_remove_all(drift->times);
    return ok;
}
