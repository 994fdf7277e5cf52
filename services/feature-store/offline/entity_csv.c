#include <glib.h>
#include <string.h>
#include "common/csv.h"
#include "services/feature-store/offline/entity_table_parts.h"

/* Ends the record that begins at `text` (line breaks within quotes belong to it) and returns where the next one does.
 */
static char *end_record(char *text, char *end)
{
    bool quoted = false;
    char *at = text;
    for (; at < end && (quoted || *at != '\n'); at++)
        quoted ^= *at == '"';
    char *next = at < end ? at + 1 : end;
    *at = '\0';
    if (at > text && at[-1] == '\r')
        at[-1] = '\0';
    return next;
}

static size_t count_records(const char *text, const char *end)
{
    size_t count = 0;
    bool quoted = false, any = false;
    for (; text < end; text++) {
        quoted ^= *text == '"';
        any = any || (*text != '\n' && *text != '\r');
        if (*text == '\n' && !quoted) {
            count += any;
            any = false;
        }
    }
    return count + any;
}

static bool read_names(char *line, Arena *arena, const char **names, size_t *ret_count, Error *err)
{
    char *fields[ENTITY_TABLE_COLUMNS_MAX + 1];
    size_t count = csv_split(line, fields, ENTITY_TABLE_COLUMNS_MAX + 1);
    if (count > ENTITY_TABLE_COLUMNS_MAX)
        return error_set_at(err, ERROR_TOO_LARGE, "entities", "at most %d columns are taken", ENTITY_TABLE_COLUMNS_MAX);
    for (size_t i = 0; i < count; i++)
        names[i] = arena_strdup(arena, fields[i]);
    *ret_count = count;
    return true;
}

static bool read_record(char *line, size_t row, EntityTable *table, Error *err)
{
    char *fields[ENTITY_TABLE_COLUMNS_MAX + 1];
    size_t count = csv_split(line, fields, table->count + 1);
    if (count != table->count)
        return error_set_at(err, ERROR_UNPROCESSABLE, "entities", "row %zu does not have %zu fields as the header does",
                            row, table->count);
    for (size_t i = 0; i < count; i++)
        table->columns[i].values[row] = (FeatureValue){.null = fields[i][0] == '\0', .text = fields[i]};
    return true;
}

bool entity_table_from_csv(const char *data, size_t length_bytes, Arena *arena, EntityTable *ret_table, Error *err)
{
    const char *names[ENTITY_TABLE_COLUMNS_MAX];
    size_t count = 0;
    EntityTable table;
    if (!g_utf8_validate_len(data, length_bytes, NULL)) /* nor is there a NUL */
        return error_set_at(err, ERROR_MALFORMED, "entities", "the body is not UTF-8");
    char *text = arena_strndup(arena, data, length_bytes), *end = text + length_bytes;
    size_t records = count_records(text, end);
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    if (strncmp(text, byte_order_mark, sizeof(byte_order_mark) - 1) == 0)
        text += sizeof(byte_order_mark) - 1;
    char *next = end_record(text, end);
    if (!read_names(text, arena, names, &count, err) ||
        !entity_table_begin(count, records == 0 ? 0 : records - 1, arena, &table, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        table.columns[i].name = names[i];
        table.columns[i].type = FEATURE_TEXT;
    }
    for (size_t row = 0; next < end && row < table.rows;) {
        char *line = next;
        next = end_record(line, end);
        if (line[0] == '\0')
            continue;
        if (!read_record(line, row++, &table, err))
            return false;
    }
    if (!entity_table_check(&table, err))
        return false;
    *ret_table = table;
    return true;
}
