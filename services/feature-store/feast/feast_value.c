#include "services/feature-store/feast/feast_value.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { DATE_LENGTH = 10, TIME_LENGTH_MAX = 36 };
static const double WHOLE_REAL_MAX = 9007199254740992.0; /* 2^53: beyond it neighbours are told apart no more */

static bool read_whole(yyjson_val *json, int64_t *ret_number)
{
    if (yyjson_is_real(json)) {
        double real = yyjson_get_real(json);
        if (real != trunc(real) || fabs(real) > WHOLE_REAL_MAX)
            return false;
        *ret_number = (int64_t)real;
        return true;
    }
    if (!yyjson_is_int(json) || (yyjson_is_uint(json) && yyjson_get_uint(json) > INT64_MAX))
        return false;
    *ret_number = yyjson_get_sint(json);
    return true;
}

bool feast_epoch_read(int64_t number, Instant *ret_instant)
{
    static const struct {
        int64_t below, multiply, divide;
    } units[] = {
        {INT64_C(100000000000), INSTANT_PER_SECOND, 1},
        {INT64_C(100000000000000), 1000, 1},
        {INT64_C(100000000000000000), 1, 1},
        {INT64_MAX, 1, 1000},
    };
    size_t unit = 0;
    while (number >= units[unit].below && unit + 1 < sizeof(units) / sizeof(units[0]))
        unit++;
    /* The same years as texts: written and read again. */
    char text[INSTANT_TEXT_MAX];
    Error why;
    if (number < 0)
        return false;
    instant_format(number * units[unit].multiply / units[unit].divide, text);
    return instant_parse(text, ret_instant, &why);
}

/* What instant_parse takes, of a text that may lack the time, the zone, or the zone's colon or minutes. */
bool feast_time_read(const char *text, size_t length, Instant *ret_instant)
{
    char full[TIME_LENGTH_MAX + 16];
    Error why;
    if (length < DATE_LENGTH || length > TIME_LENGTH_MAX)
        return false;
    memcpy(full, text, length);
    full[length] = '\0';
    if (length == DATE_LENGTH)
        strcat(full, "T00:00:00");
    char *zone = full + DATE_LENGTH + strcspn(full + DATE_LENGTH, "Zz+-");
    size_t zone_length = strlen(zone);
    if (zone_length == 0)
        strcat(full, "Z");
    else if (zone_length == 3)
        strcat(full, ":00");
    else if (zone_length == 5 && zone[3] != ':') {
        memmove(zone + 4, zone + 3, 3);
        zone[3] = ':';
    }
    return instant_parse(full, ret_instant, &why);
}

bool feast_instant_read(yyjson_val *json, Instant *ret_instant)
{
    int64_t number = 0;
    if (yyjson_is_str(json))
        return feast_time_read(yyjson_get_str(json), yyjson_get_len(json), ret_instant);
    return read_whole(json, &number) && feast_epoch_read(number, ret_instant);
}

static bool read_real(yyjson_val *json, double *ret_real)
{
    if (yyjson_is_num(json)) {
        *ret_real = yyjson_get_num(json);
        return true;
    }
    if (yyjson_equals_str(json, "NaN"))
        *ret_real = NAN;
    else if (yyjson_equals_str(json, "Infinity"))
        *ret_real = INFINITY;
    else if (yyjson_equals_str(json, "-Infinity"))
        *ret_real = -INFINITY;
    else
        return false;
    return true;
}

static bool read_boolean(yyjson_val *json, bool *ret_boolean)
{
    int64_t number = yyjson_get_bool(json) ? 1 : 0;
    if (!yyjson_is_bool(json) && !(read_whole(json, &number) && (number == 0 || number == 1)))
        return false;
    *ret_boolean = number == 1;
    return true;
}

/* What has a NUL inside is no text here: neither C nor Postgres can hold it. */
static bool read_text(yyjson_val *json, const char **ret_text)
{
    const char *text = yyjson_get_str(json);
    size_t length = yyjson_get_len(json);
    if (text == NULL || length > FEATURE_TEXT_MAX || memchr(text, '\0', length) != NULL)
        return false;
    *ret_text = text;
    return true;
}

bool feast_value_read(yyjson_val *json, FeatureType type, FeatureValue *ret_value)
{
    FeatureValue value = {.null = yyjson_is_null(json) || (yyjson_is_real(json) && isnan(yyjson_get_real(json)))};
    bool ok = value.null;
    if (!value.null) {
        switch (type) {
        case FEATURE_INT64:
            ok = read_whole(json, &value.integer);
            break;
        case FEATURE_FLOAT64:
            ok = read_real(json, &value.real);
            break;
        case FEATURE_BOOL:
            ok = read_boolean(json, &value.boolean);
            break;
        case FEATURE_TEXT:
            ok = read_text(json, &value.text);
            break;
        case FEATURE_INSTANT:
            ok = feast_instant_read(json, &value.instant);
            break;
        }
    }
    if (ok)
        *ret_value = value;
    return ok;
}

bool feast_key_read(yyjson_val *json, FeatureType type, Arena *arena, FeatureValue *ret_value)
{
    int64_t number = 0;
    if (type != FEATURE_TEXT || !yyjson_is_num(json) || !read_whole(json, &number))
        return feast_value_read(json, type, ret_value);
    *ret_value = (FeatureValue){.text = arena_printf(arena, "%" PRId64, number)};
    return true;
}
