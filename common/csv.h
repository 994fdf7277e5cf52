/* Lines of CSV. Pure. */
#pragma once

#include <stddef.h>

/* Splits the line in place into its fields (RFC 4180 quoting, no line breaks within fields); fields beyond `limit` are
 * dropped. Returns how many there are. */
size_t csv_split(char *line, char **fields, size_t limit);
