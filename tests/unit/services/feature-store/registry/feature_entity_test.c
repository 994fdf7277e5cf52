#include "services/feature-store/registry/feature_entity.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(feature_entity);

static const FeatureView pair = {
    .name = "v",
    .keys = {{.entity = "driver", .join_key = "driver_id", .type = FEATURE_INT64},
             {.entity = "zone", .join_key = "zone", .type = FEATURE_TEXT}},
    .keys_count = 2,
};

Test(feature_entity, there_and_back)
{
    FeatureValue keys[] = {{.integer = -7}, {.text = "a,\"b"}}, back[2];
    char text[FEATURE_ENTITY_MAX + 1];
    Arena *arena = arena_new();
    Error err;
    cr_assert(feature_entity_format(&pair, keys, text, &err), "%s", err.message);
    cr_assert_str_eq(text, "-7\x1f"
                           "a,\"b");
    cr_assert(feature_entity_split(&pair, text, arena, back, &err), "%s", err.message);
    cr_assert_eq(back[0].integer, -7);
    cr_assert_str_eq(back[1].text, "a,\"b");
    arena_free(arena);
}

Test(feature_entity, what_would_be_ambiguous_or_too_long_is_refused)
{
    char text[FEATURE_ENTITY_MAX + 1], longest[FEATURE_ENTITY_MAX + 1];
    memset(longest, 'x', FEATURE_ENTITY_MAX);
    longest[FEATURE_ENTITY_MAX] = '\0';
    Error err = {0};
    cr_assert_not(feature_entity_format(&pair, (FeatureValue[]){{.null = true}, {.text = "a"}}, text, &err));
    cr_assert_str_eq(err.pointer, "driver_id");
    cr_assert_not(feature_entity_format(&pair, (FeatureValue[]){{.integer = 1}, {.text = "a\x1f"}}, text, &err));
    cr_assert_str_eq(err.pointer, "zone");
    cr_assert_not(feature_entity_format(&pair, (FeatureValue[]){{.integer = 1}, {.text = longest}}, text, &err));
    cr_assert_eq(err.code, ERROR_UNPROCESSABLE);
    cr_assert(feature_entity_format(&pair, (FeatureValue[]){{.integer = 1}, {.text = longest + 2}}, text, &err));
    cr_assert_eq(strlen(text), FEATURE_ENTITY_MAX);
}

Test(feature_entity, what_is_not_of_the_view_is_refused)
{
    static const char *const wrong[] = {"",
                                        "7",
                                        "x\x1f"
                                        "a",
                                        "\x1f"
                                        "a",
                                        "7\x1f"
                                        "a\x1f"
                                        "b",
                                        "99999999999999999999\x1f"
                                        "a"};
    Arena *arena = arena_new();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        FeatureValue keys[2];
        Error err = {0};
        cr_assert_not(feature_entity_split(&pair, wrong[i], arena, keys, &err), "%zu", i);
        cr_assert_eq(err.code, ERROR_MALFORMED);
    }
    arena_free(arena);
}
