#include "services/feature-store/offline/historical_request.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "services/feature-store/feast/feast_value.h"

#define MOMENTS_COLUMN "event_timestamp"
static const double WHOLE_REAL_MAX = 9007199254740992.0;                     /* 2^53 */
static const Instant MOMENTS_END = INT64_C(7258118400) * INSTANT_PER_SECOND; /* 2200-01-01 */

bool historical_question_read(yyjson_val *body, Arena *arena, HistoricalQuestion *ret_question, Error *err)
{
    yyjson_val *features = yyjson_obj_get(body, "features"), *service = yyjson_obj_get(body, "feature_service");
    yyjson_val *recorded = yyjson_obj_get(body, "recorded");
    HistoricalQuestion question = {
        .feature_service = yyjson_get_str(service),
        .features_count = yyjson_arr_size(features),
        .full_feature_names = yyjson_get_bool(yyjson_obj_get(body, "full_feature_names")),
        .any_recorded = yyjson_equals_str(recorded, "any"),
    };
    if (service != NULL && !yyjson_is_null(service) && question.feature_service == NULL)
        return error_set_at(err, ERROR_UNPROCESSABLE, "feature_service", "feature_service must be a name");
    if (recorded != NULL && !yyjson_is_null(recorded) && !question.any_recorded &&
        !yyjson_equals_str(recorded, "before"))
        return error_set_at(err, ERROR_UNPROCESSABLE, "recorded",
                            "recorded must be \"before\" (only what was known at the row's time) or \"any\"");
    const char **texts = arena_array(arena, question.features_count, sizeof(*texts));
    size_t i, count;
    yyjson_val *item;
    yyjson_arr_foreach(features, i, count, item)
    {
        texts[i] = yyjson_get_str(item);
        if (texts[i] == NULL)
            return error_set_at(err, ERROR_UNPROCESSABLE, "features", "features[%zu] must be a string", i);
    }
    question.features = texts;
    *ret_question = question;
    return true;
}

static bool add_features(const HistoricalQuestion *question, const FeatureViews *views, const FeatureServices *services,
                         Arena *arena, FeastRequest *wanted, Error *err)
{
    const char *const *texts = question->features;
    size_t count = question->features_count;
    if (question->feature_service != NULL) {
        const FeatureService *service = feature_services_find(services, question->feature_service);
        if (service == NULL)
            return error_set_at(err, ERROR_NOT_FOUND, "feature_service", "Feature service %.100s does not exist",
                                question->feature_service);
        texts = (const char *const *)service->features;
        count = service->features_count;
    }
    if (count == 0 || count > FEAST_FEATURES_MAX)
        return error_set_at(err, ERROR_UNPROCESSABLE, "features",
                            "features must be a list of 1..%d references <feature_view>:<feature>", FEAST_FEATURES_MAX);
    wanted->columns = arena_array(arena, count, sizeof(*wanted->columns));
    for (size_t i = 0; i < count; i++) {
        if (!feast_request_add(wanted, views, texts[i], question->full_feature_names, arena, err))
            return false;
        const FeatureView *view = wanted->views[wanted->columns[i].view].view;
        if (view->features[wanted->columns[i].feature].online_only)
            return error_set_at(err, ERROR_UNPROCESSABLE, "features",
                                "Feature %s of feature view %s is kept online only: it has no history",
                                view->features[wanted->columns[i].feature].name, view->name);
    }
    return true;
}

/* The value as the join key's type has it, and its canonical text. */
static bool convert_key(FeatureType from, FeatureType to, FeatureValue *value, Arena *arena, const char **ret_text)
{
    char *end = NULL;
    if (value->null)
        return false;
    if (from == FEATURE_FLOAT64) { /* pandas makes floats of integers with nulls */
        if (value->real != trunc(value->real) || fabs(value->real) > WHOLE_REAL_MAX)
            return false;
        *value = (FeatureValue){.integer = (int64_t)value->real};
        from = FEATURE_INT64;
    }
    if (from == FEATURE_TEXT && to == FEATURE_INT64) {
        const char *text = value->text;
        errno = 0;
        int64_t integer = strtoll(text, &end, 10);
        if ((text[0] != '-' && (text[0] < '0' || text[0] > '9')) || *end != '\0' || errno != 0)
            return false;
        *value = (FeatureValue){.integer = integer};
        from = FEATURE_INT64;
    }
    if (from == FEATURE_TEXT) {
        *ret_text = value->text;
        return strlen(value->text) <= FEATURE_ENTITY_MAX;
    }
    if (from != FEATURE_INT64)
        return false;
    *ret_text = arena_printf(arena, "%" PRId64, value->integer);
    if (to == FEATURE_TEXT)
        *value = (FeatureValue){.text = *ret_text};
    return true;
}

static bool bind_keys(FeastRequest *wanted, const EntityTable *table, Arena *arena, Error *err)
{
    for (size_t i = 0; i < wanted->join_keys_count; i++) {
        FeastJoinKey *key = &wanted->join_keys[i];
        EntityColumn *column = entity_table_find(table, key->name);
        if (column == NULL)
            return error_set_at(err, ERROR_UNPROCESSABLE, "entities", "Missing join key values for keys: ['%s']",
                                key->name);
        key->values = arena_array(arena, table->rows, sizeof(*key->values));
        for (size_t row = 0; row < table->rows; row++) {
            if (!convert_key(column->type, key->type, &column->values[row], arena, &key->values[row]))
                return error_set_at(err, ERROR_UNPROCESSABLE, "entities", "entities.%s[%zu] must be %s, not null",
                                    key->name, row,
                                    key->type == FEATURE_INT64 ? "an integer" : "a string of at most 256 bytes");
        }
        column->type = key->type;
    }
    return true;
}

static bool read_moment(FeatureType type, const FeatureValue *value, Instant *ret_moment)
{
    Instant moment = value->instant;
    if (value->null)
        return false;
    if (type == FEATURE_TEXT)
        return feast_time_read(value->text, strlen(value->text), ret_moment);
    if (type == FEATURE_INT64)
        return feast_epoch_read(value->integer, ret_moment);
    if (type != FEATURE_INSTANT || moment < 0 || moment >= MOMENTS_END)
        return false;
    *ret_moment = moment;
    return true;
}

static bool take_moments(EntityTable *table, Arena *arena, Instant **ret_moments, Error *err)
{
    EntityColumn *column = entity_table_find(table, MOMENTS_COLUMN);
    if (column == NULL)
        return error_set_at(err, ERROR_UNPROCESSABLE, "entities",
                            "entities must have a column " MOMENTS_COLUMN ": the moment of each row");
    Instant *moments = arena_array(arena, table->rows, sizeof(*moments));
    for (size_t row = 0; row < table->rows; row++) {
        if (!read_moment(column->type, &column->values[row], &moments[row]))
            return error_set_at(err, ERROR_UNPROCESSABLE, "entities",
                                "entities." MOMENTS_COLUMN "[%zu] must be a time in the years 1970 to 2199, such as "
                                "2026-11-23T16:00:00Z",
                                row);
    }
    size_t after = table->count - (size_t)(column - table->columns) - 1;
    memmove(column, column + 1, after * sizeof(*column));
    table->count--;
    *ret_moments = moments;
    return true;
}

static bool check_names(const FeastRequest *wanted, const EntityTable *table, Error *err)
{
    for (size_t i = 0; i < wanted->columns_count; i++) {
        const char *name = wanted->columns[i].name;
        if (strcmp(name, MOMENTS_COLUMN) == 0 || entity_table_find(table, name) != NULL)
            return error_set_at(err, ERROR_UNPROCESSABLE, "full_feature_names",
                                "the entities have a column %s, which is also a feature's name; "
                                "full_feature_names=true tells them apart",
                                name);
    }
    return true;
}

bool historical_request_make(const HistoricalQuestion *question, EntityTable table, const FeatureViews *views,
                             const FeatureServices *services, Arena *arena, HistoricalRequest *ret_request, Error *err)
{
    HistoricalRequest request = {.wanted.entities_count = table.rows, .any_recorded = question->any_recorded};
    if (!add_features(question, views, services, arena, &request.wanted, err) ||
        !take_moments(&table, arena, &request.moments, err) || !bind_keys(&request.wanted, &table, arena, err) ||
        !check_names(&request.wanted, &table, err) || !feast_request_join(&request.wanted, arena, err))
        return false;
    request.table = table;
    *ret_request = request;
    return true;
}
