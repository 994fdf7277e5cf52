#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include "cli/event_file.h"

static char path[] = "/tmp/rushcast-event-file-XXXXXX";

static void write_file(const char *text, bool compressed)
{
    int handle = mkstemp(path);
    cr_assert(ge(int, handle, 0));
    if (compressed) {
        gzFile file = gzdopen(handle, "wb");
        gzputs(file, text);
        gzclose(file);
        return;
    }
    FILE *file = fdopen(handle, "w");
    fputs(text, file);
    fclose(file);
}

static void remove_file(void)
{
    unlink(path);
}

TestSuite(event_file, .fini = remove_file);

static void expect_rows(const char *text, bool compressed)
{
    write_file(text, compressed);
    EventFile *file = NULL;
    Error err = {0};
    FileEvent event;
    bool more;
    cr_assert(event_file_open(path, &file, &err), "%s", err.message);
    cr_assert(event_file_next(file, &event, &more, &err) && more, "%s", err.message);
    cr_assert(zero(int, strcmp(event.event_id, "a,\"1")));
    cr_assert(eq(i64, event.at, INT64_C(1388564040000000)));
    cr_assert(epsilon_eq(dbl, event.lat, 37.5, 1e-9));
    cr_assert(event_file_next(file, &event, &more, &err) && more, "%s", err.message);
    cr_assert(zero(int, strcmp(event.event_id, "b")));
    cr_assert(event_file_next(file, &event, &more, &err), "%s", err.message);
    cr_assert(not(more));
    event_file_close(file);
}

static const char good[] =
    "event_id,ts_utc,geo,lat,lon\r\n\"a,\"\"1\",2014-01-01T08:14:00Z,x,37.5,-122\n\nb,2014-01-01 "
    "09:00:00+01:00,x,0,180";

Test(event_file, reads_plain_rows)
{
    expect_rows(good, false);
}

Test(event_file, reads_gzip)
{
    expect_rows(good, true);
}

/* Opens the file and reads to its end or first error; returns the error's message. */
static Error first_error(const char *text)
{
    write_file(text, false);
    EventFile *file = NULL;
    Error err = {0};
    FileEvent event;
    if (event_file_open(path, &file, &err))
        for (bool more = true; more && event_file_next(file, &event, &more, &err);)
            ;
    event_file_close(file);
    return err;
}

Test(event_file, names_line_and_column)
{
    Error err = first_error("event_id,ts_utc,lat,lon\n1,2014-01-01T08:14:00Z,1,2\n2,2014-01-01T08:14:00Z,91,2\n");
    cr_assert(eq(int, err.code, ERROR_MALFORMED));
    cr_assert(strstr(err.message, "line 3, column lat: \"91\"") != NULL, "%s", err.message);
}

Test(event_file, names_a_bad_instant)
{
    Error err = first_error("event_id,ts_utc,lat,lon\n1,soon,1,2\n");
    cr_assert(strstr(err.message, "line 2, column ts_utc") != NULL, "%s", err.message);
}

Test(event_file, names_a_missing_column_of_the_header)
{
    Error err = first_error("event_id,ts_utc,lat\n");
    cr_assert(strstr(err.message, "\"lon\"") != NULL, "%s", err.message);
}

Test(event_file, names_a_missing_field)
{
    Error err = first_error("event_id,ts_utc,lat,lon\n1,2014-01-01T08:14:00Z,1\n");
    cr_assert(strstr(err.message, "line 2: column lon is missing") != NULL, "%s", err.message);
}

Test(event_file, an_empty_file_is_an_error)
{
    Error err = first_error("");
    cr_assert(strstr(err.message, "is empty") != NULL, "%s", err.message);
}
