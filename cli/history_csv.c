#include "cli/history_csv.h"

#include <errno.h>
#include <float.h>
#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { FIELDS_MAX = 64, COLUMN_GEO = 0, COLUMN_HOUR, COLUMN_COUNT, COLUMNS, READ_BUFFER_BYTES = 1 << 18 };

static const char *const column_names[COLUMNS] = {"geo", "hour_utc", "count"};

typedef struct Row {
    uint32_t geo;
    Hour hour;
    float count;
    uint32_t line;
} Row;

typedef struct Reader {
    const char *path;
    gzFile file;
    uint32_t line;
    int columns[COLUMNS]; /* place of each in a line */
    char text[HISTORY_LINE_BYTES_MAX];
    GArray *rows;     /* of Row */
    GHashTable *geos; /* name -> number + 1 */
    GPtrArray *names; /* by number; in the arena */
    HistoryCsv *csv;
} Reader;

static bool bad_field(const Reader *reader, int column, const char *why, const char *text, Error *err)
{
    return error_set_at(err, ERROR_MALFORMED, column_names[column], "%.200s: line %u, column %d (%s): %s: \"%.60s\"",
                        reader->path, reader->line, reader->columns[column] + 1, column_names[column], why, text);
}

/* Reads one line without its end into reader->text. *ret_more is false at the end of the file. */
static bool read_line(Reader *reader, bool *ret_more, Error *err)
{
    int code = 0;
    *ret_more = gzgets(reader->file, reader->text, sizeof reader->text) != NULL;
    if (!*ret_more) {
        const char *why = gzerror(reader->file, &code);
        if (code != Z_OK && code != Z_STREAM_END)
            return error_set(err, ERROR_MALFORMED, "%.200s: after line %u: %.100s", reader->path, reader->line,
                             code == Z_ERRNO ? strerror(errno) : why);
        return true;
    }
    reader->line++;
    size_t length = strlen(reader->text);
    if (length == sizeof reader->text - 1 && reader->text[length - 1] != '\n')
        return error_set(err, ERROR_MALFORMED, "%.200s: line %u is longer than %d bytes.", reader->path, reader->line,
                         HISTORY_LINE_BYTES_MAX - 2);
    while (length > 0 && (reader->text[length - 1] == '\n' || reader->text[length - 1] == '\r'))
        reader->text[--length] = '\0';
    return true;
}

/* Splits a line in place (RFC 4180 quotes). Returns the number of fields, or -1 when a quote is left open. */
static int split(char *text, char *fields[FIELDS_MAX])
{
    int count = 0;
    for (;;) {
        char *out = text;
        if (count < FIELDS_MAX)
            fields[count] = out;
        count++;
        if (*text == '"') {
            for (text++; *text != '"' || text[1] == '"'; *out++ = *text++) {
                if (!*text)
                    return -1;
                text += *text == '"';
            }
            text++;
        }
        while (*text && *text != ',')
            *out++ = *text++;
        bool more = *text == ',';
        text++;
        *out = '\0';
        if (!more || count == FIELDS_MAX)
            return count;
    }
}

static char *trim(char *text)
{
    return g_strstrip(text);
}

static bool read_header(Reader *reader, Error *err)
{
    bool more;
    if (!read_line(reader, &more, err))
        return false;
    if (!more)
        return error_set(err, ERROR_MALFORMED, "%.200s: the file is empty.", reader->path);
    char *text = reader->text, *fields[FIELDS_MAX];
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    int count = split(text, fields);
    for (int column = 0; column < COLUMNS; column++) {
        reader->columns[column] = -1;
        for (int i = 0; i < count; i++)
            if (strcmp(trim(fields[i]), column_names[column]) == 0)
                reader->columns[column] = i;
        if (reader->columns[column] < 0)
            return error_set_at(err, ERROR_MALFORMED, column_names[column],
                                "%.200s: line 1: there is no column \"%s\"; the first line must name the columns "
                                "geo,hour_utc,count.",
                                reader->path, column_names[column]);
    }
    return true;
}

static uint32_t geo_number(Reader *reader, const char *name)
{
    uint32_t number = GPOINTER_TO_UINT(g_hash_table_lookup(reader->geos, name));
    if (number == 0) {
        char *kept = arena_strdup(reader->csv->arena, name);
        g_ptr_array_add(reader->names, kept);
        number = reader->names->len;
        g_hash_table_insert(reader->geos, kept, GUINT_TO_POINTER(number));
    }
    return number - 1;
}

static bool has_offset(const char *text)
{
    size_t length = strlen(text);
    if (length <= sizeof "2026-11-23" - 1)
        return true; /* a date alone is its midnight */
    return strpbrk(text + sizeof "2026-11-23" - 1, "Zz+-") != NULL;
}

static bool parse_hour(Reader *reader, const char *text, Hour *ret_hour, Error *err)
{
    char zoned[INSTANT_TEXT_MAX + 2];
    Error why;
    if (!has_offset(text) && strlen(text) < INSTANT_TEXT_MAX) {
        snprintf(zoned, sizeof zoned, "%sZ", text);
        reader->csv->repairs.zoneless_hours++;
        return hour_parse(zoned, ret_hour, &why) || bad_field(reader, COLUMN_HOUR, why.message, text, err);
    }
    return hour_parse(text, ret_hour, &why) || bad_field(reader, COLUMN_HOUR, why.message, text, err);
}

static bool parse_count(const Reader *reader, const char *text, float *ret_count, Error *err)
{
    char *end;
    double count = g_ascii_strtod(text, &end);
    if (!*text || *end)
        return bad_field(reader, COLUMN_COUNT, "this is no number", text, err);
    if (!isfinite(count) || count > (double)FLT_MAX)
        return bad_field(reader, COLUMN_COUNT, "a count must be finite", text, err);
    if (count < 0)
        return bad_field(reader, COLUMN_COUNT, "a count must not be negative", text, err);
    *ret_count = (float)count;
    return true;
}

static bool read_row(Reader *reader, Error *err)
{
    char *fields[FIELDS_MAX];
    if (!*reader->text)
        return true;
    int count = split(reader->text, fields);
    if (count < 0)
        return error_set(err, ERROR_MALFORMED, "%.200s: line %u: a quote is not closed.", reader->path, reader->line);
    for (int column = 0; column < COLUMNS; column++)
        if (reader->columns[column] >= count)
            return bad_field(reader, column, "this field is missing", "", err);
    Row row = {.line = reader->line};
    const char *geo = trim(fields[reader->columns[COLUMN_GEO]]);
    if (!*geo)
        return bad_field(reader, COLUMN_GEO, "a geo must have a name", geo, err);
    if (!parse_hour(reader, trim(fields[reader->columns[COLUMN_HOUR]]), &row.hour, err) ||
        !parse_count(reader, trim(fields[reader->columns[COLUMN_COUNT]]), &row.count, err))
        return false;
    if (reader->rows->len == HISTORY_ROWS_MAX)
        return error_set(err, ERROR_TOO_LARGE, "%.200s: more than %d rows.", reader->path, HISTORY_ROWS_MAX);
    row.geo = geo_number(reader, geo);
    reader->csv->repairs.explicit_zeros += row.count == 0;
    g_array_append_val(reader->rows, row);
    return true;
}

static bool read_rows(Reader *reader, Error *err)
{
    if (!read_header(reader, err))
        return false;
    for (bool more = true; more;) {
        if (!read_line(reader, &more, err) || (more && !read_row(reader, err)))
            return false;
    }
    if (reader->rows->len == 0)
        return error_set(err, ERROR_MALFORMED, "%.200s: there is no row below the header.", reader->path);
    reader->csv->repairs.rows = reader->rows->len;
    return true;
}

static int compare_rows(const void *a, const void *b)
{
    const Row *x = a, *y = b;
    if (x->geo != y->geo)
        return x->geo < y->geo ? -1 : 1;
    if (x->hour != y->hour)
        return x->hour < y->hour ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

static int compare_series(const void *a, const void *b)
{
    return strcmp(((const DemandSeries *)a)->geo, ((const DemandSeries *)b)->geo);
}

static bool find_span(const Reader *reader, Error *err)
{
    HistoryCsv *csv = reader->csv;
    csv->first_hour = csv->last_hour = g_array_index(reader->rows, Row, 0).hour;
    for (guint i = 0; i < reader->rows->len; i++) {
        Hour hour = g_array_index(reader->rows, Row, i).hour;
        csv->first_hour = MIN(csv->first_hour, hour);
        csv->last_hour = MAX(csv->last_hour, hour);
    }
    if (csv->last_hour - csv->first_hour >= HISTORY_HOURS_MAX) {
        char first[INSTANT_TEXT_MAX], last[INSTANT_TEXT_MAX];
        hour_format(csv->first_hour, first);
        hour_format(csv->last_hour, last);
        return error_set(err, ERROR_TOO_LARGE, "%.200s: hours from %s to %s are more than 20 years.", reader->path,
                         first, last);
    }
    return true;
}

/* Fills one series from its rows, which are sorted by hour. */
static bool fill_series(const Reader *reader, const Row *rows, size_t count, DemandSeries *series, Error *err)
{
    HistoryCsv *csv = reader->csv;
    series->first_hour = rows[0].hour;
    series->hours = (size_t)(csv->last_hour - series->first_hour + 1);
    float *demand = arena_alloc(csv->arena, series->hours * sizeof *demand);
    for (size_t h = 0; h < series->hours; h++)
        demand[h] = NAN;
    size_t hours = 0;
    for (size_t i = 0; i < count; i++) {
        bool repeated = i > 0 && rows[i].hour == rows[i - 1].hour;
        if (repeated && rows[i].count != rows[i - 1].count) {
            char hour[INSTANT_TEXT_MAX];
            hour_format(rows[i].hour, hour);
            return error_set_at(err, ERROR_MALFORMED, column_names[COLUMN_COUNT],
                                "%.200s: line %u, column %d (count): geo \"%.60s\" has another count for %s in line %u "
                                "(are the hours UTC?).",
                                reader->path, rows[i].line, reader->columns[COLUMN_COUNT] + 1, series->geo, hour,
                                rows[i - 1].line);
        }
        csv->repairs.repeated_rows += repeated;
        hours += !repeated;
        demand[rows[i].hour - series->first_hour] = rows[i].count;
    }
    csv->repairs.missing_hours += series->hours - hours;
    series->demand = demand;
    return true;
}

static bool build_series(const Reader *reader, const TimeZone *zone, const char *country, Error *err)
{
    HistoryCsv *csv = reader->csv;
    if (!find_span(reader, err))
        return false;
    g_array_sort(reader->rows, compare_rows);
    csv->history.count = reader->names->len;
    csv->history.series = arena_array(csv->arena, csv->history.count, sizeof *csv->history.series);
    const Row *rows = (const Row *)(const void *)reader->rows->data;
    for (size_t start = 0, end; start < reader->rows->len; start = end) {
        for (end = start; end < reader->rows->len && rows[end].geo == rows[start].geo;)
            end++;
        DemandSeries *series = &csv->history.series[rows[start].geo];
        *series =
            (DemandSeries){.geo = g_ptr_array_index(reader->names, rows[start].geo), .zone = zone, .country = country};
        if (!fill_series(reader, rows + start, end - start, series, err))
            return false;
    }
    qsort(csv->history.series, csv->history.count, sizeof *csv->history.series, compare_series);
    return true;
}

bool history_csv_read(const char *path, const TimeZone *zone, const char *country, HistoryCsv *ret_csv, Error *err)
{
    gzFile file = gzopen(path, "rb");
    if (!file)
        return error_set(err, ERROR_NOT_FOUND, "%.200s: %s", path, strerror(errno));
    gzbuffer(file, READ_BUFFER_BYTES);
    HistoryCsv csv = {.arena = arena_new()};
    Reader reader = {.path = path,
                     .file = file,
                     .rows = g_array_new(FALSE, FALSE, sizeof(Row)),
                     .geos = g_hash_table_new(g_str_hash, g_str_equal),
                     .names = g_ptr_array_new(),
                     .csv = &csv};
    bool ok = read_rows(&reader, err) && build_series(&reader, zone, country, err);
    gzclose(file);
    g_array_free(reader.rows, TRUE);
    g_hash_table_destroy(reader.geos);
    g_ptr_array_free(reader.names, TRUE);
    if (ok)
        *ret_csv = csv;
    else
        history_csv_fini(&csv);
    return ok;
}

void history_csv_fini(HistoryCsv *csv)
{
    arena_free(csv->arena);
    *csv = (HistoryCsv){0};
}

static bool says_zero(const DemandHistory *history, Hour cutoff)
{
    for (size_t i = 0; i < history->count; i++) {
        const DemandSeries *series = &history->series[i];
        for (size_t h = 0; h < series->hours && series->first_hour + (Hour)h <= cutoff; h++)
            if (series->demand[h] == 0)
                return true;
    }
    return false;
}

void history_csv_cut(const HistoryCsv *csv, Hour cutoff, Arena *arena, DemandHistory *ret_history)
{
    float missing = says_zero(&csv->history, cutoff) ? NAN : 0;
    DemandHistory cut = {.series = arena_array(arena, csv->history.count + 1, sizeof *cut.series)};
    for (size_t i = 0; i < csv->history.count; i++) {
        const DemandSeries *whole = &csv->history.series[i];
        if (whole->first_hour > cutoff)
            continue;
        DemandSeries *series = &cut.series[cut.count++];
        *series = *whole;
        series->hours = (size_t)(cutoff - whole->first_hour + 1);
        float *demand = arena_alloc(arena, series->hours * sizeof *demand);
        for (size_t h = 0; h < series->hours; h++)
            demand[h] = isnan(whole->demand[h]) ? missing : whole->demand[h];
        series->demand = demand;
    }
    *ret_history = cut;
}
