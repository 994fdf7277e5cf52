#include "cli/event_file.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "common/csv.h"

enum { COLUMN_ID, COLUMN_AT, COLUMN_LAT, COLUMN_LON, COLUMNS, FIELDS_MAX = 64, LINE_LIMIT_BYTES = 64 * 1024 };

static const char *const column_names[COLUMNS] = {"event_id", "ts_utc", "lat", "lon"};

struct EventFile {
    gzFile handle;
    const char *path; /* the caller's */
    long line_number;
    int positions[COLUMNS];
    char line[LINE_LIMIT_BYTES];
    char *fields[FIELDS_MAX];
    size_t fields_count;
};

/* *ret_more is false at the end of the file. Empty lines are passed over. */
static bool read_line(EventFile *file, bool *ret_more, Error *err)
{
    for (;;) {
        if (!gzgets(file->handle, file->line, sizeof file->line)) {
            int code;
            const char *reason = gzerror(file->handle, &code);
            *ret_more = false;
            return (code == Z_OK || code == Z_STREAM_END) ||
                   error_set(err, ERROR_MALFORMED, "%s: broken after line %ld: %s", file->path, file->line_number,
                             reason);
        }
        file->line_number++;
        size_t length = strlen(file->line);
        if (length == sizeof file->line - 1)
            return error_set(err, ERROR_MALFORMED, "%s, line %ld: longer than %d bytes", file->path, file->line_number,
                             LINE_LIMIT_BYTES);
        while (length > 0 && (file->line[length - 1] == '\n' || file->line[length - 1] == '\r'))
            file->line[--length] = '\0';
        if (length == 0)
            continue;
        file->fields_count = csv_split(file->line, file->fields, FIELDS_MAX);
        *ret_more = true;
        return true;
    }
}

static bool read_header(EventFile *file, Error *err)
{
    bool more;
    if (!read_line(file, &more, err))
        return false;
    if (!more)
        return error_set(err, ERROR_MALFORMED, "%s is empty: a header and rows are needed", file->path);
    for (int column = 0; column < COLUMNS; column++) {
        file->positions[column] = -1;
        for (size_t i = 0; i < file->fields_count; i++)
            if (strcmp(file->fields[i], column_names[column]) == 0)
                file->positions[column] = (int)i;
        if (file->positions[column] < 0)
            return error_set(err, ERROR_MALFORMED,
                             "%s: the header has no column \"%s\"; event_id, ts_utc, lat and lon are needed",
                             file->path, column_names[column]);
    }
    return true;
}

bool event_file_open(const char *path, EventFile **ret_file, Error *err)
{
    gzFile handle = gzopen(path, "rbe");
    if (!handle)
        return error_set(err, ERROR_NOT_FOUND, "%s can't be read: %s", path, strerror(errno));
    EventFile *file = calloc(1, sizeof *file);
    *file = (EventFile){.handle = handle, .path = path};
    gzbuffer(handle, 1 << 18);
    if (!read_header(file, err)) {
        event_file_close(file);
        return false;
    }
    *ret_file = file;
    return true;
}

void event_file_close(EventFile *file)
{
    if (!file)
        return;
    gzclose(file->handle);
    free(file);
}

static bool field_error(const EventFile *file, int column, const char *needed, Error *err)
{
    return error_set(err, ERROR_MALFORMED, "%s, line %ld, column %s: \"%.60s\" is not %s", file->path,
                     file->line_number, column_names[column], file->fields[file->positions[column]], needed);
}

static bool read_degrees(const EventFile *file, int column, double most, double *ret_degrees, Error *err)
{
    const char *text = file->fields[file->positions[column]];
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value) || fabs(value) > most)
        return field_error(file, column, column == COLUMN_LAT ? "a latitude" : "a longitude", err);
    *ret_degrees = value;
    return true;
}

bool event_file_next(EventFile *file, FileEvent *ret_event, bool *ret_more, Error *err)
{
    bool more;
    if (!read_line(file, &more, err))
        return false;
    *ret_more = more;
    if (!more)
        return true;
    for (int column = 0; column < COLUMNS; column++)
        if ((size_t)file->positions[column] >= file->fields_count)
            return error_set(err, ERROR_MALFORMED, "%s, line %ld: column %s is missing", file->path, file->line_number,
                             column_names[column]);
    const char *id = file->fields[file->positions[COLUMN_ID]];
    if (!*id || strlen(id) > EVENT_ID_MAX)
        return field_error(file, COLUMN_ID, "an id of 1 to 200 bytes", err);
    snprintf(ret_event->event_id, sizeof ret_event->event_id, "%s", id);
    if (!instant_parse(file->fields[file->positions[COLUMN_AT]], &ret_event->at, NULL))
        return field_error(file, COLUMN_AT, "an RFC 3339 instant such as 2026-11-23T16:00:00Z", err);
    return read_degrees(file, COLUMN_LAT, 90, &ret_event->lat, err) &&
           read_degrees(file, COLUMN_LON, 180, &ret_event->lon, err);
}
