#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/state_file.h"

static char folder[] = "/tmp/rushcast-state-XXXXXX", path[64];

static void begin(void)
{
    cr_assert(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/state", folder);
}

static void end(void)
{
    unlink(path);
    rmdir(folder);
}

TestSuite(state_file, .init = begin, .fini = end);

Test(state_file, is_not_there_at_first)
{
    char line[STATE_LINE_MAX];
    bool found = true;
    Error err = {0};
    cr_assert(state_file_read(path, line, &found, &err), "%s", err.message);
    cr_assert(not(found));
}

Test(state_file, gives_back_the_newest_line)
{
    char line[STATE_LINE_MAX];
    bool found = false;
    Error err = {0};
    cr_assert(state_file_write(path, "one", &err), "%s", err.message);
    cr_assert(state_file_write(path, "two 2", &err), "%s", err.message);
    cr_assert(state_file_read(path, line, &found, &err) && found, "%s", err.message);
    cr_assert(zero(int, strcmp(line, "two 2\n")));
}

Test(state_file, says_what_could_not_be_written)
{
    char nowhere[96];
    Error err = {0};
    snprintf(nowhere, sizeof nowhere, "%s/no/such/state", folder);
    cr_assert(not(state_file_write(nowhere, "x", &err)));
    cr_assert(strstr(err.message, "no/such/state") != NULL, "%s", err.message);
}
