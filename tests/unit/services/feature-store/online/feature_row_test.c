#include "services/feature-store/online/feature_row.h"

#include <criterion/criterion.h>
#include <math.h>

TestSuite(feature_row);

enum { COUNT = 9 };
static const Feature declared[COUNT] = {
    {"a", FEATURE_INT64, ""}, {"b", FEATURE_FLOAT64, ""}, {"c", FEATURE_INT64, ""},
    {"d", FEATURE_INT64, ""}, {"e", FEATURE_INT64, ""},   {"f", FEATURE_INT64, ""},
    {"g", FEATURE_INT64, ""}, {"h", FEATURE_INT64, ""},   {"i", FEATURE_FLOAT64, ""},
};
static const FeatureView view = {
    .name = "v", .version = 1, .features = declared, .features_count = COUNT, .schema_hash = 0xfedcba98};

static Buffer pack(void)
{
    FeatureValue values[COUNT] = {
        {.integer = INT64_MIN}, {.real = -0.1}, {.null = true}, {.integer = 3}, {.integer = 4},
        {.integer = 5},         {.integer = 6}, {.integer = 7}, {.null = true},
    };
    Buffer packed;
    buffer_init(&packed, 4096);
    feature_row_pack(&view, &(FeatureRow){.event_timestamp = 1234567, .created = -5, .values = values}, &packed);
    return packed;
}

Test(feature_row, comes_back_as_it_was)
{
    Buffer packed = pack();
    FeatureValue values[COUNT];
    FeatureRow row = {.values = values};
    Error err;
    cr_assert_eq(packed.length_bytes, 24 + 2 + COUNT * 8);
    cr_assert(feature_row_unpack(&view, packed.data, packed.length_bytes, &row, &err), "%s", err.message);
    cr_assert_eq(row.event_timestamp, 1234567);
    cr_assert_eq(row.created, -5);
    cr_assert_eq(values[0].integer, INT64_MIN);
    cr_assert_eq(values[1].real, -0.1);
    for (int i = 0; i < COUNT; i++)
        cr_assert_eq(values[i].null, i == 2 || i == 8, "feature %d", i);
    buffer_fini(&packed);
}

Test(feature_row, every_other_length_is_refused)
{
    Buffer packed = pack();
    buffer_append_char(&packed, 0);
    FeatureValue values[COUNT];
    for (size_t length = 0; length <= packed.length_bytes; length++) {
        Error err = {0};
        bool ok = feature_row_unpack(&view, packed.data, length, &(FeatureRow){.values = values}, &err);
        cr_assert_eq(ok, length == packed.length_bytes - 1, "%zu bytes", length);
        cr_assert(ok || err.code == ERROR_MALFORMED);
    }
    buffer_fini(&packed);
}

Test(feature_row, another_declaration_is_refused)
{
    Buffer packed = pack();
    FeatureView newer = view;
    newer.schema_hash++;
    FeatureValue values[COUNT];
    Error err = {0};
    cr_assert_not(feature_row_unpack(&newer, packed.data, packed.length_bytes, &(FeatureRow){.values = values}, &err));
    cr_assert_eq(err.code, ERROR_MALFORMED);
    packed.data[0] = 9;
    cr_assert_not(feature_row_unpack(&view, packed.data, packed.length_bytes, &(FeatureRow){.values = values}, &err));
    buffer_fini(&packed);
}
