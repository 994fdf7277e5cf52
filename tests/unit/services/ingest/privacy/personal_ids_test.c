#include <criterion/criterion.h>
#include <string.h>
#include "services/ingest/privacy/personal_ids.h"

static const struct {
    const char *id, *text;
    bool mentioned;
} cases[] = {
    {"c1", "c1", true},
    {"c1", "x c1", true},
    {"c1", "c1-2", true},
    {"c1", "c12", false},
    {"c1", "xc1", false},
    {"c1", "c_c1", false},
    {"c1", "", false},
    {"c1", "c", false},
    {"c1", "\\u0063\\u0031", true},
    {"c1", "\\u0063\\u00312", false},
    {"c1", "\\", false},
    {"c1", "\\u00", false},
    {"c1", "\\ud83d\\u0063 c1", true},
    {"a/b", "\"a\\/b\"", true},
    {"a\"b", "a\\\"b", true},
    {"a\\b", "a\\b", true},
    {"a\\b", "a\\\\b", true},
    {"\xf0\x9f\x9a\xb2", "by \\ud83d\\udeb2!", true},
    {"\xf0\x9f\x9a\xb2", "by \\ud83d \\udeb2!", false},
    {"\xc3\xb1", "a\xc3\xb1o", true},
    {"c1",
     "\xc3\xb1"
     "c1\xff",
     true},
    {"-7-", "x-7-y", true},
};

Test(personal_ids, are_found_as_whole_words_however_escaped)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        PersonalId id = {.id = cases[i].id, .length_bytes = strlen(cases[i].id)};
        PersonalIds ids = personal_ids_one(&id);
        cr_expect_eq(personal_ids_mentioned(&ids, cases[i].text, strlen(cases[i].text)), cases[i].mentioned,
                     "'%s' in '%s'", cases[i].id, cases[i].text);
    }
}
