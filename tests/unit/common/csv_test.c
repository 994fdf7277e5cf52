#include <criterion/criterion.h>
#include <stdio.h>
#include "common/csv.h"

static const struct {
    const char *line;
    size_t count;
    const char *fields[4];
} lines[] = {
    {"", 1, {""}},
    {"a", 1, {"a"}},
    {"a,,c", 3, {"a", "", "c"}},
    {",", 2, {"", ""}},
    {"\"a,b\",c", 2, {"a,b", "c"}},
    {"\"say \"\"so\"\"\",\"\"", 2, {"say \"so\"", ""}},
    {"\"open", 1, {"open"}},
    {"a,b,c,d,e", 4, {"a", "b", "c", "d"}},
};

Test(csv, splits_lines)
{
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char text[64], *fields[4];
        snprintf(text, sizeof text, "%s", lines[i].line);
        cr_assert_eq(csv_split(text, fields, 4), lines[i].count, "%s", lines[i].line);
        for (size_t k = 0; k < lines[i].count; k++)
            cr_assert_str_eq(fields[k], lines[i].fields[k]);
    }
}
