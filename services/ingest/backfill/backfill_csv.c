#include "services/ingest/backfill/backfill_csv.h"

#include <stddef.h>
#include <string.h>
#include "common/csv.h"

#define COLUMN(member) offsetof(BackfillColumns, member)

static const struct {
    const char *name;
    size_t offset;
} column_names[] = {
    {"event_id", COLUMN(event_id)},
    {"event_type", COLUMN(event_type)},
    {"order_id", COLUMN(order_id)},
    {"ts_utc", COLUMN(occurred_at)},
    {"occurred_at", COLUMN(occurred_at)},
    {"branch_id", COLUMN(branch_id)},
    {"customer_id", COLUMN(customer_id)},
    {"vertical", COLUMN(vertical)},
    {"lat", COLUMN(lat)},
    {"lon", COLUMN(lon)},
    {"total_amount", COLUMN(amount)},
    {"currency", COLUMN(currency)},
};

bool backfill_columns_read(char *header, BackfillColumns *ret_columns, Error *err)
{
    char *fields[BACKFILL_COLUMNS_MAX];
    size_t count = csv_split(header, fields, BACKFILL_COLUMNS_MAX);
    BackfillColumns columns;
    memset(&columns, 0xff, sizeof columns);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < sizeof column_names / sizeof column_names[0]; k++) {
            if (strcmp(fields[i], column_names[k].name) == 0)
                *(int *)((char *)&columns + column_names[k].offset) = (int)i;
        }
    }
    bool placed = (columns.lat >= 0 && columns.lon >= 0) || columns.branch_id >= 0;
    if (columns.event_id < 0 || columns.occurred_at < 0 || !placed)
        return error_set(err, ERROR_UNPROCESSABLE,
                         "the header of a CSV file must name event_id, ts_utc (or occurred_at), and lat and lon or "
                         "branch_id; order_id, event_type, customer_id, vertical, total_amount and currency are read "
                         "too, other columns are ignored");
    *ret_columns = columns;
    return true;
}

/* Bytes that are not UTF-8 stay: the reader of events says so. */
static void append_string(Buffer *out, const char *text)
{
    buffer_append_char(out, '"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            buffer_append_char(out, '\\');
        if (c < 0x20)
            buffer_printf(out, "\\u%04x", c);
        else
            buffer_append_char(out, *text);
    }
    buffer_append_char(out, '"');
}

/* As JSON spells numbers. */
static bool is_number(const char *text)
{
    text += *text == '-';
    size_t whole = strspn(text, "0123456789");
    if (whole == 0 || (whole > 1 && text[0] == '0'))
        return false;
    text += whole;
    if (*text == '.') {
        size_t fraction = strspn(text + 1, "0123456789");
        if (fraction == 0)
            return false;
        text += 1 + fraction;
    }
    return *text == '\0';
}

typedef struct Line {
    char *fields[BACKFILL_COLUMNS_MAX];
    size_t count;
} Line;

/* NULL: the line has none, or an empty one. */
static const char *field(const Line *line, int column)
{
    return column >= 0 && (size_t)column < line->count && line->fields[column][0] ? line->fields[column] : NULL;
}

static void append_member(Buffer *out, const char *name, const char *text)
{
    if (!text)
        return;
    buffer_printf(out, "%s\"%s\":", out->data[out->length_bytes - 1] == '{' ? "" : ",", name);
    append_string(out, text);
}

static void append_degrees(Buffer *out, const char *name, const char *text)
{
    if (!text || !is_number(text))
        append_member(out, name, text);
    else
        buffer_printf(out, "%s\"%s\":%s", out->data[out->length_bytes - 1] == '{' ? "" : ",", name, text);
}

void backfill_columns_write(const BackfillColumns *columns, char *text, Buffer *out)
{
    Line line;
    line.count = csv_split(text, line.fields, BACKFILL_COLUMNS_MAX);
    const char *event_id = field(&line, columns->event_id), *event_type = field(&line, columns->event_type);
    const char *order_id = field(&line, columns->order_id);
    const char *lat = field(&line, columns->lat), *lon = field(&line, columns->lon);
    const char *amount = field(&line, columns->amount), *currency = field(&line, columns->currency);
    buffer_append_char(out, '{');
    append_member(out, "event_id", event_id);
    append_member(out, "event_type", event_type ? event_type : "order_created");
    append_member(out, "order_id", order_id ? order_id : event_id);
    append_member(out, "occurred_at", field(&line, columns->occurred_at));
    append_member(out, "branch_id", field(&line, columns->branch_id));
    append_member(out, "customer_id", field(&line, columns->customer_id));
    append_member(out, "vertical", field(&line, columns->vertical));
    if (lat || lon) {
        buffer_append_text(out, ",\"location\":{");
        append_degrees(out, "lat", lat);
        append_degrees(out, "lon", lon);
        buffer_append_char(out, '}');
    }
    if (amount || currency) {
        buffer_append_text(out, ",\"total\":{");
        append_member(out, "amount", amount);
        append_member(out, "currency", currency);
        buffer_append_char(out, '}');
    }
    buffer_append_char(out, '}');
}
