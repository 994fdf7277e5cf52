#include "services/feature-store/online/feature_row.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

TestSuite(feature_row);

enum { COUNT = 11 };
static const Feature declared[COUNT] = {
    {"a", FEATURE_INT64, "", false, 0, 0},   {"b", FEATURE_FLOAT64, "", false, 0, 0},
    {"c", FEATURE_TEXT, "", false, 0, 0},    {"d", FEATURE_BOOL, "", false, 0, 0},
    {"e", FEATURE_INSTANT, "", false, 0, 0}, {"f", FEATURE_TEXT, "", true, 0, 0},
    {"g", FEATURE_TEXT, "", false, 0, 0},    {"h", FEATURE_BOOL, "", false, 0, 0},
    {"i", FEATURE_FLOAT64, "", false, 0, 0}, {"j", FEATURE_INSTANT, "", false, 0, 0},
    {"k", FEATURE_TEXT, "", false, 0, 0},
};
static const FeatureView view = {
    .name = "v", .version = 1, .features = declared, .features_count = COUNT, .schema_hash = 0xfedcba98};
enum { FIXED_BYTES = 24 + 2 + COUNT * 8, TEXT_BYTES = 8 + 2 + 1 };

static Buffer pack(void)
{
    FeatureValue values[COUNT] = {
        {.integer = INT64_MIN}, {.real = -0.1}, {.text = "caf\xc3\xa9 x"}, {.boolean = true}, {.instant = -7},
        {.null = true},         {.text = "y"},  {.boolean = false},        {.null = true},    {.instant = INT64_MAX},
        {.text = ""},
    };
    Buffer packed;
    buffer_init(&packed, 4096);
    feature_row_pack(&view, &(FeatureRow){.event_timestamp = 1234567, .created = -5, .values = values}, &packed);
    return packed;
}

static void check_values(const FeatureRow *row)
{
    const FeatureValue *values = row->values;
    cr_assert_eq(row->event_timestamp, 1234567);
    cr_assert_eq(row->created, -5);
    cr_assert_eq(values[0].integer, INT64_MIN);
    cr_assert_eq(values[1].real, -0.1);
    cr_assert_str_eq(values[2].text, "caf\xc3\xa9 x");
    cr_assert(values[3].boolean);
    cr_assert_eq(values[4].instant, -7);
    cr_assert_str_eq(values[6].text, "y");
    cr_assert_not(values[7].boolean);
    cr_assert_eq(values[9].instant, INT64_MAX);
    cr_assert_str_eq(values[10].text, "");
    for (int i = 0; i < COUNT; i++)
        cr_assert_eq(values[i].null, i == 5 || i == 8, "feature %d", i);
}

Test(feature_row, comes_back_as_it_was)
{
    Buffer packed = pack();
    FeatureValue values[COUNT];
    FeatureRow row = {.values = values};
    Error err;
    cr_assert_eq(packed.length_bytes, FIXED_BYTES + TEXT_BYTES);
    cr_assert_eq(packed.data[0], 2);
    cr_assert(feature_row_unpack(&view, packed.data, packed.length_bytes, NULL, &row, &err), "%s", err.message);
    check_values(&row);
    buffer_fini(&packed);
}

Test(feature_row, texts_in_an_arena_outlive_the_bytes)
{
    Buffer packed = pack();
    FeatureValue values[COUNT];
    FeatureRow row = {.values = values};
    Arena *arena = arena_new();
    Error err;
    cr_assert(feature_row_unpack(&view, packed.data, packed.length_bytes, arena, &row, &err), "%s", err.message);
    buffer_fini(&packed);
    check_values(&row);
    arena_free(arena);
}

Test(feature_row, every_other_length_is_refused)
{
    Buffer packed = pack();
    buffer_append_char(&packed, 0);
    FeatureValue values[COUNT];
    for (size_t length = 0; length <= packed.length_bytes; length++) {
        Error err = {0};
        /* a copy of exactly that length, so that reading beyond it is noticed */
        char *bytes = malloc(length + 1);
        memcpy(bytes, packed.data, length);
        char *exact = length == 0 ? bytes : realloc(bytes, length);
        bool ok = feature_row_unpack(&view, exact, length, NULL, &(FeatureRow){.values = values}, &err);
        cr_assert_eq(ok, length == packed.length_bytes - 1, "%zu bytes", length);
        cr_assert(ok || err.code == ERROR_MALFORMED);
        free(exact);
    }
    buffer_fini(&packed);
}

Test(feature_row, no_byte_leads_out_of_the_row)
{
    Buffer packed = pack();
    FeatureValue values[COUNT];
    char *bytes = malloc(packed.length_bytes);
    static const uint8_t wrong[] = {0, 1, 2, 0x7f, 0x80, 0xff};
    for (size_t at = 0; at < packed.length_bytes; at++) {
        for (size_t i = 0; i < sizeof(wrong); i++) {
            FeatureRow row = {.values = values};
            memcpy(bytes, packed.data, packed.length_bytes);
            bytes[at] = (char)wrong[i];
            if (!feature_row_unpack(&view, bytes, packed.length_bytes, NULL, &row, NULL))
                continue;
            for (int feature = 0; feature < COUNT; feature++) {
                if (declared[feature].type == FEATURE_TEXT && !values[feature].null)
                    cr_assert_leq((size_t)(values[feature].text - bytes) + strlen(values[feature].text) + 1,
                                  packed.length_bytes);
            }
        }
    }
    free(bytes);
    buffer_fini(&packed);
}

Test(feature_row, another_declaration_is_refused)
{
    Buffer packed = pack();
    FeatureView newer = view;
    newer.schema_hash++;
    FeatureValue values[COUNT];
    FeatureRow row = {.values = values};
    Error err = {0};
    cr_assert_not(feature_row_unpack(&newer, packed.data, packed.length_bytes, NULL, &row, &err));
    cr_assert_eq(err.code, ERROR_MALFORMED);
    packed.data[0] = 1;
    cr_assert_not(feature_row_unpack(&view, packed.data, packed.length_bytes, NULL, &row, &err));
    buffer_fini(&packed);
}
