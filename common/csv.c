#include "common/csv.h"

#include <stdbool.h>

/* Unquotes the field in place; `*ret_more` when another one follows. Returns where that begins. */
static char *take_field(char *in, bool *ret_more)
{
    char *out = in;
    bool quoted = *in == '"';
    if (quoted)
        in++;
    while (*in && (quoted || *in != ',')) {
        if (quoted && *in == '"') {
            if (in[1] != '"') {
                quoted = false;
                in++;
                continue;
            }
            in++;
        }
        *out++ = *in++;
    }
    *ret_more = *in == ',';
    *out = '\0';
    return in + 1;
}

size_t csv_split(char *line, char **fields, size_t limit)
{
    size_t count = 0;
    for (bool more = true; more && count < limit;) {
        fields[count++] = line;
        line = take_field(line, &more);
    }
    return count;
}
