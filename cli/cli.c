#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include "common/clock.h"

int cli_failure(const char *command, const Error *err)
{
    fprintf(stderr, "rushcast %s: %s\n", command, err->message);
    return 1;
}

const char *cli_env(const char *name, const char *fallback)
{
    const char *value = getenv(name);
    return value && *value ? value : fallback;
}

Instant cli_now(void)
{
    return clock_follows_data() ? clock_wall() : clock_now();
}
