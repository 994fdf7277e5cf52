#include <stdlib.h>
#include <string.h>
#include "common/json.h"
#include "tests/fuzz/fuzz.h"

typedef struct Target {
    const char *name;
    int64_t count;
    double price;
    bool enabled;
    Instant at;
    Hour hour;
    json_t *any;
} Target;

static const JsonField fields[] = {
    {"name", JSON_FIELD_TEXT, offsetof(Target, name), false, 0, 0},
    {"count", JSON_FIELD_INT, offsetof(Target, count), true, 1, 10},
    {"price", JSON_FIELD_REAL, offsetof(Target, price), true, 0, 1e6},
    {"enabled", JSON_FIELD_BOOL, offsetof(Target, enabled), true, 0, 0},
    {"at", JSON_FIELD_INSTANT, offsetof(Target, at), true, 0, 0},
    {"hour", JSON_FIELD_HOUR, offsetof(Target, hour), true, 0, 0},
    {"any", JSON_FIELD_ANY, offsetof(Target, any), true, 0, 0},
    {0},
};

static void read_json(const char *text, size_t length_bytes)
{
    JSON_SCOPED json_t *json = NULL;
    Error err;
    if (!json_parse(text, length_bytes, &json, &err))
        return;
    ARENA_SCOPED Arena *arena = arena_new();
    Target target = {.count = 1};
    if (json_read(json, "/at", fields, arena, &target, &err) &&
        (target.name == NULL || target.count < 1 || target.count > 10 || !(target.price >= 0 && target.price <= 1e6)))
        abort();
}

/* What is read is written and read back as the same. */
static void read_time(const char *text, size_t length_bytes)
{
    Instant instant, again;
    char formatted[INSTANT_TEXT_MAX];
    if (instant_parse_n(text, length_bytes, &instant, NULL)) {
        instant_format(instant, formatted);
        if (!instant_parse(formatted, &again, NULL) || again != instant)
            abort();
    }
    char *terminated = strndup(text, length_bytes);
    Hour hour;
    if (hour_parse(terminated, &hour, NULL) && hour_of(hour_start(hour)) != hour)
        abort();
    free(terminated);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length_bytes)
{
    read_json((const char *)data, length_bytes);
    read_time((const char *)data, length_bytes);
    return 0;
}

void fuzz_seeds(FuzzTake *take)
{
    static const char *const seeds[] = {
        "{\"name\":\"x\",\"count\":3,\"price\":2.5,\"enabled\":true,\"any\":[1,{}],\"at\":\"1970-01-01T00:00:01Z\","
        "\"hour\":\"1970-01-02T00:00:00Z\"}",
        "{\"name\":\"\\ud83d\\ude00\",\"count\":null,\"price\":1e300}",
        "[[[[[[[[]]]]]]]]",
        "2026-11-23T16:00:00Z",
        "2026-11-23 16:59:60.123456789-03:30",
        "2026-11-23",
        "2200-12-31T23:59:59.999999+14:00",
    };
    fuzz_take_texts(seeds, sizeof seeds / sizeof seeds[0], take);
}
