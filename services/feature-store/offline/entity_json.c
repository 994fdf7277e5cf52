#include <string.h>
#include "services/feature-store/feast/feast_value.h"
#include "services/feature-store/offline/entity_table_parts.h"

static bool value_type(yyjson_val *value, FeatureType *ret_type)
{
    if (yyjson_is_int(value))
        *ret_type = FEATURE_INT64;
    else if (yyjson_is_real(value))
        *ret_type = FEATURE_FLOAT64;
    else if (yyjson_is_bool(value))
        *ret_type = FEATURE_BOOL;
    else if (yyjson_is_str(value))
        *ret_type = FEATURE_TEXT;
    else
        return false;
    return true;
}

/* That of the values which are not null: integers among floats are floats. */
static FeatureType column_type(yyjson_val *list)
{
    FeatureType type = FEATURE_TEXT, seen = FEATURE_TEXT;
    bool first = true;
    size_t i, count;
    yyjson_val *value;
    yyjson_arr_foreach(list, i, count, value)
    {
        if (!value_type(value, &seen))
            continue;
        if (first || (type == FEATURE_INT64 && seen == FEATURE_FLOAT64))
            type = seen;
        first = false;
    }
    return type;
}

static bool read_column(yyjson_val *list, size_t rows, EntityColumn *column, Error *err)
{
    size_t i, count;
    yyjson_val *value;
    if (yyjson_arr_size(list) != rows)
        return error_set_at(err, ERROR_UNPROCESSABLE, "entities",
                            "entities.%.60s must be a list of %zu values: all columns have the same number of rows",
                            column->name, rows);
    column->type = column_type(list);
    yyjson_arr_foreach(list, i, count, value)
    {
        if (!feast_value_read(value, column->type, &column->values[i]))
            return error_set_at(err, ERROR_UNPROCESSABLE, "entities", "entities.%.60s[%zu] is not a %s, as others are",
                                column->name, i, feature_type_name(column->type));
    }
    return true;
}

bool entity_table_from_json(yyjson_val *columns, Arena *arena, EntityTable *ret_table, Error *err)
{
    EntityTable table;
    size_t i, count;
    yyjson_val *name, *list;
    if (!yyjson_is_obj(columns))
        return error_set_at(err, ERROR_UNPROCESSABLE, "entities", "entities must be an object of lists");
    yyjson_obj_foreach(columns, i, count, name, list)
    {
        if (!yyjson_is_arr(list) || strlen(yyjson_get_str(name)) != yyjson_get_len(name))
            return error_set_at(err, ERROR_UNPROCESSABLE, "entities", "entities.%.60s must be a list of values",
                                yyjson_get_str(name));
    }
    yyjson_obj_iter first = yyjson_obj_iter_with(columns);
    yyjson_val *first_name = yyjson_obj_iter_next(&first);
    size_t rows = first_name == NULL ? 0 : yyjson_arr_size(yyjson_obj_iter_get_val(first_name));
    if (!entity_table_begin(yyjson_obj_size(columns), rows, arena, &table, err))
        return false;
    yyjson_obj_foreach(columns, i, count, name, list)
    {
        table.columns[i].name = arena_strdup(arena, yyjson_get_str(name));
        if (!read_column(list, rows, &table.columns[i], err))
            return false;
    }
    if (!entity_table_check(&table, err))
        return false;
    *ret_table = table;
    return true;
}
