#include "services/ingest/sql_source/pgoutput.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Microseconds from 1970-01-01 to 2000-01-01, where Postgres' times begin. */
static const Instant postgres_epoch = INT64_C(946684800) * INSTANT_PER_SECOND;

const char pgoutput_unchanged[] = "unchanged";

size_t lsn_format(Lsn lsn, char out[LSN_TEXT_MAX])
{
    return (size_t)snprintf(out, LSN_TEXT_MAX, "%" PRIX32 "/%" PRIX32, (uint32_t)(lsn >> 32), (uint32_t)lsn);
}

/* Up to eight hexadecimal digits; the end of them, or NULL when there are none. */
static const char *parse_half(const char *text, uint32_t *ret_half)
{
    size_t digits = strspn(text, "0123456789abcdefABCDEF");
    if (digits == 0 || digits > 8)
        return NULL;
    *ret_half = (uint32_t)strtoul(text, NULL, 16);
    return text + digits;
}

bool lsn_parse(const char *text, Lsn *ret_lsn, const char **ret_rest)
{
    uint32_t high, low;
    const char *end = parse_half(text, &high);
    if (end == NULL || *end != '/' || (end = parse_half(end + 1, &low)) == NULL)
        return false;
    *ret_lsn = (Lsn)high << 32 | low;
    if (ret_rest != NULL)
        *ret_rest = end;
    return true;
}

/* Reading stops at the first fault: everything read after it is zero. */
typedef struct Reader {
    const uint8_t *start, *at, *end;
    Arena *arena;
    const char *fault; /* NULL: none yet */
} Reader;

static void fail_reader(Reader *reader, const char *fault)
{
    if (reader->fault == NULL)
        reader->fault = fault;
}

static uint64_t read_number(Reader *reader, size_t bytes)
{
    uint64_t number = 0;
    if ((size_t)(reader->end - reader->at) < bytes)
        fail_reader(reader, "it ends too early");
    if (reader->fault != NULL)
        return 0;
    for (size_t i = 0; i < bytes; i++)
        number = number << 8 | *reader->at++;
    return number;
}

static const char *read_name(Reader *reader)
{
    const uint8_t *end = memchr(reader->at, '\0', (size_t)(reader->end - reader->at));
    if (end == NULL || end - reader->at > PGOUTPUT_NAME_MAX_BYTES)
        fail_reader(reader, "a name does not end");
    if (reader->fault != NULL)
        return "";
    const char *name = arena_strndup(reader->arena, (const char *)reader->at, (size_t)(end - reader->at));
    reader->at = end + 1;
    return name;
}

static const char *read_value(Reader *reader)
{
    switch ((char)read_number(reader, 1)) {
    case 'n':
        return NULL;
    case 'u':
        return pgoutput_unchanged;
    case 't':
        break;
    default:
        fail_reader(reader, "a value is of an unknown kind");
        return NULL;
    }
    size_t length_bytes = read_number(reader, 4);
    if (length_bytes > (size_t)(reader->end - reader->at))
        fail_reader(reader, "a value is longer than the message");
    else if (memchr(reader->at, '\0', length_bytes) != NULL)
        fail_reader(reader, "a text has a zero byte");
    if (reader->fault != NULL)
        return NULL;
    const char *value = arena_strndup(reader->arena, (const char *)reader->at, length_bytes);
    reader->at += length_bytes;
    return value;
}

static PgoutputRow read_row(Reader *reader)
{
    size_t count = read_number(reader, 2);
    if (count > PGOUTPUT_COLUMNS_MAX)
        fail_reader(reader, "a row has too many columns");
    if (reader->fault != NULL)
        return (PgoutputRow){0};
    PgoutputRow row = {.count = count, .values = arena_array(reader->arena, count, sizeof *row.values)};
    for (size_t i = 0; i < count; i++)
        row.values[i] = read_value(reader);
    return row;
}

static void read_relation(Reader *reader, PgoutputMessage *message)
{
    message->relation_id = (uint32_t)read_number(reader, 4);
    message->schema = read_name(reader);
    if (*message->schema == '\0')
        message->schema = "pg_catalog";
    message->table = read_name(reader);
    read_number(reader, 1); /* which identity: the columns tell */
    size_t count = read_number(reader, 2);
    if (count > PGOUTPUT_COLUMNS_MAX)
        fail_reader(reader, "a table has too many columns");
    if (reader->fault != NULL)
        return;
    PgoutputColumn *columns = arena_array(reader->arena, count, sizeof *columns);
    for (size_t i = 0; i < count; i++) {
        columns[i].is_identity = (read_number(reader, 1) & 1) != 0;
        columns[i].name = read_name(reader);
        columns[i].type_oid = (uint32_t)read_number(reader, 4);
        read_number(reader, 4); /* type modifier */
    }
    message->columns = columns;
    message->columns_count = count;
}

/* [K or O, old row,] N, new row; without `with_new` the old one alone. */
static void read_change(Reader *reader, PgoutputMessage *message, bool with_new)
{
    message->relation_id = (uint32_t)read_number(reader, 4);
    char mark = (char)read_number(reader, 1);
    if (message->kind != PGOUTPUT_INSERT && (mark == 'K' || mark == 'O')) {
        message->old_is_whole = mark == 'O';
        message->old_row = read_row(reader);
        if (!with_new)
            return;
        mark = (char)read_number(reader, 1);
    }
    if (mark != 'N' || !with_new)
        fail_reader(reader, "a row is marked wrongly");
    message->row = read_row(reader);
}

static void read_truncate(Reader *reader, PgoutputMessage *message)
{
    size_t count = read_number(reader, 4);
    read_number(reader, 1); /* options */
    if (count > (size_t)(reader->end - reader->at) / sizeof(uint32_t))
        fail_reader(reader, "it ends too early");
    if (reader->fault != NULL)
        return;
    uint32_t *relations = arena_array(reader->arena, count, sizeof *relations);
    for (size_t i = 0; i < count; i++)
        relations[i] = (uint32_t)read_number(reader, 4);
    message->truncated = relations;
    message->truncated_count = count;
}

static Instant read_time(Reader *reader)
{
    int64_t time = (int64_t)read_number(reader, 8);
    if (time > INT64_MAX - postgres_epoch) {
        fail_reader(reader, "a time is out of range");
        return 0;
    }
    return time + postgres_epoch;
}

static void read_begin(Reader *reader, PgoutputMessage *message)
{
    message->lsn = read_number(reader, 8);
    message->committed_at = read_time(reader);
    read_number(reader, 4); /* transaction id */
}

static void read_commit(Reader *reader, PgoutputMessage *message)
{
    read_number(reader, 1); /* flags */
    read_number(reader, 8); /* where the commit is */
    message->lsn = read_number(reader, 8);
    message->committed_at = read_time(reader);
}

static void read_message(Reader *reader, PgoutputMessage *message)
{
    switch ((char)read_number(reader, 1)) {
    case 'B':
        message->kind = PGOUTPUT_BEGIN;
        read_begin(reader, message);
        break;
    case 'C':
        message->kind = PGOUTPUT_COMMIT;
        read_commit(reader, message);
        break;
    case 'R':
        message->kind = PGOUTPUT_RELATION;
        read_relation(reader, message);
        break;
    case 'I':
        message->kind = PGOUTPUT_INSERT;
        read_change(reader, message, true);
        break;
    case 'U':
        message->kind = PGOUTPUT_UPDATE;
        read_change(reader, message, true);
        break;
    case 'D':
        message->kind = PGOUTPUT_DELETE;
        read_change(reader, message, false);
        break;
    case 'T':
        message->kind = PGOUTPUT_TRUNCATE;
        read_truncate(reader, message);
        break;
    case 'O':
    case 'Y':
    case 'M':
        message->kind = PGOUTPUT_OTHER;
        reader->at = reader->end;
        break;
    default:
        fail_reader(reader, "it is of an unknown kind");
    }
}

bool pgoutput_read(const void *data, size_t length_bytes, Arena *arena, PgoutputMessage *ret_message, Error *err)
{
    PgoutputMessage message = {0};
    Reader reader = {.start = data, .at = data, .end = (const uint8_t *)data + length_bytes, .arena = arena};
    read_message(&reader, &message);
    if (reader.at != reader.end)
        fail_reader(&reader, "it goes on after its end");
    if (reader.fault != NULL)
        return error_set(err, ERROR_MALFORMED, "message of the source's log can't be read at byte %td of %zu: %s",
                         reader.at - reader.start, length_bytes, reader.fault);
    *ret_message = message;
    return true;
}
