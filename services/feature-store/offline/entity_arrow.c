#include <glib.h>
#include <string.h>
#include "common/arrow_table.h"
#include "services/feature-store/offline/entity_table_parts.h"

static const FeatureType types[] = {
    [ARROW_COLUMN_TEXT] = FEATURE_TEXT, [ARROW_COLUMN_INT] = FEATURE_INT64,       [ARROW_COLUMN_REAL] = FEATURE_FLOAT64,
    [ARROW_COLUMN_BOOL] = FEATURE_BOOL, [ARROW_COLUMN_INSTANT] = FEATURE_INSTANT,
};

static FeatureValue get_value(const ArrowTable *table, size_t row, size_t index, FeatureType type)
{
    FeatureValue value = {.null = arrow_is_null(table, row, index)};
    if (value.null)
        return value;
    if (type == FEATURE_TEXT)
        value.text = arrow_get_text(table, row, index);
    else if (type == FEATURE_FLOAT64)
        value.real = arrow_get_real(table, row, index);
    else if (type == FEATURE_BOOL)
        value.boolean = arrow_get_int(table, row, index) != 0;
    else
        value.integer = arrow_get_int(table, row, index);
    return value;
}

static bool read_column(const ArrowTable *from, size_t index, EntityColumn *column, Error *err)
{
    const char *checked = NULL; /* equal neighbours share their text */
    for (size_t row = 0; row < from->rows; row++) {
        FeatureValue value = get_value(from, row, index, column->type);
        if (column->type == FEATURE_TEXT && !value.null && value.text != checked) {
            checked = value.text;
            if (!g_utf8_validate(checked, -1, NULL))
                return error_set_at(err, ERROR_UNPROCESSABLE, "entities", "column %.60s, row %zu: not UTF-8",
                                    column->name, row);
        }
        column->values[row] = value;
    }
    return true;
}

bool entity_table_from_arrow(const char *data, size_t length_bytes, Arena *arena, EntityTable *ret_table, Error *err)
{
    ArrowColumn *columns = NULL;
    ArrowTable *from = NULL;
    EntityTable table;
    size_t count = 0;
    if (!arrow_table_columns(data, length_bytes, arena, &columns, &count, err))
        return false;
    if (count > ENTITY_TABLE_COLUMNS_MAX)
        return error_set_at(err, ERROR_TOO_LARGE, "entities", "at most %d columns are taken", ENTITY_TABLE_COLUMNS_MAX);
    if (!arrow_table_read(data, length_bytes, columns, count, arena, &from, err) ||
        !entity_table_begin(count, from->rows, arena, &table, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        table.columns[i].name = columns[i].name;
        table.columns[i].type = types[columns[i].type];
        if (!read_column(from, i, &table.columns[i], err))
            return false;
    }
    if (!entity_table_check(&table, err))
        return false;
    *ret_table = table;
    return true;
}
