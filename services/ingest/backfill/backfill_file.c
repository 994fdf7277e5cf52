#include "services/ingest/backfill/backfill_file.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "gen/ingest_sql.h"
#include "services/ingest/backfill/backfill_csv.h"
#include "services/ingest/orders/raw_payload.h"

enum { PIECE_BYTES = 256 * 1024, GZIP_WINDOW_BITS = 15 + 16 };

const char *const backfill_format_names[] = {"jsonl", "csv", NULL};

static const char gzip_magic[] = "\x1f\x8b", byte_order_mark[] = "\xef\xbb\xbf";

struct BackfillFile {
    const char *body; /* what is not read yet */
    size_t left_bytes;
    bool zipped, ended;
    z_stream zip;
    size_t expanded_bytes;
    Buffer lines; /* read and not stored */
    Buffer compressed;
    int64_t next_line; /* number of the first of them */
    BackfillFormat format;
};

static bool inflate_piece(BackfillFile *file, char *out, size_t *ret_bytes, Error *err)
{
    file->zip.next_out = (Bytef *)out;
    file->zip.avail_out = PIECE_BYTES;
    while (file->zip.avail_out > 0 && !file->ended) {
        if (file->zip.avail_in == 0) {
            size_t take = file->left_bytes < INT_MAX ? file->left_bytes : INT_MAX;
            file->zip.next_in = (Bytef *)(uintptr_t)file->body;
            file->zip.avail_in = (uInt)take;
            file->body += take;
            file->left_bytes -= take;
        }
        int code = inflate(&file->zip, Z_NO_FLUSH);
        if (code == Z_STREAM_END) {
            /* gzip files may be put one after another */
            file->ended = file->zip.avail_in == 0 && file->left_bytes == 0;
            if (!file->ended && inflateReset(&file->zip) != Z_OK)
                return error_set(err, ERROR_INTERNAL, "zlib can't go on");
        } else if (code != Z_OK) {
            return error_set(err, ERROR_MALFORMED, "the gzip file is broken or cut off after %zu expanded bytes",
                             file->expanded_bytes + PIECE_BYTES - file->zip.avail_out);
        }
    }
    *ret_bytes = PIECE_BYTES - file->zip.avail_out;
    return true;
}

/* Appends the next bytes of the file to the lines. */
static bool read_piece(BackfillFile *file, Error *err)
{
    char piece[PIECE_BYTES];
    const char *data = file->body;
    size_t bytes = file->left_bytes < PIECE_BYTES ? file->left_bytes : PIECE_BYTES;
    if (file->zipped) {
        data = piece;
        if (!inflate_piece(file, piece, &bytes, err))
            return false;
    } else {
        file->body += bytes;
        file->left_bytes -= bytes;
        file->ended = file->left_bytes == 0;
    }
    file->expanded_bytes += bytes;
    if (file->expanded_bytes > BACKFILL_EXPANDED_MAX_BYTES)
        return error_set(err, ERROR_TOO_LARGE, "the file expands to more than %zu bytes: send it in parts",
                         BACKFILL_EXPANDED_MAX_BYTES);
    buffer_append(&file->lines, data, bytes);
    return buffer_ok(&file->lines, NULL) ||
           error_set(err, ERROR_TOO_LARGE, "line %lld or one after it is longer than %d bytes",
                     (long long)file->next_line, BACKFILL_LINE_MAX_BYTES);
}

static bool read_first_line(BackfillFile *file, Error *err)
{
    while (!file->ended &&
           !(file->lines.length_bytes > 0 && memchr(file->lines.data, '\n', file->lines.length_bytes))) {
        if (!read_piece(file, err))
            return false;
    }
    if (file->lines.length_bytes == 0)
        return error_set(err, ERROR_UNPROCESSABLE, "the file is empty: events are needed, one a line");
    if (file->lines.length_bytes >= 3 && memcmp(file->lines.data, byte_order_mark, 3) == 0)
        memcpy(file->lines.data, "   ", 3);
    return true;
}

static bool check_header(const BackfillFile *file, Error *err)
{
    const char *end = memchr(file->lines.data, '\n', file->lines.length_bytes);
    char *header = strndup(file->lines.data, end ? (size_t)(end - file->lines.data) : file->lines.length_bytes);
    BackfillColumns columns;
    if (!header)
        abort();
    header[strcspn(header, "\r")] = '\0';
    bool ok = backfill_columns_read(header + strspn(header, " "), &columns, err);
    free(header);
    return ok;
}

bool backfill_file_open(const char *body, size_t length_bytes, int format, BackfillFile **ret_file, Error *err)
{
    BackfillFile *file = calloc(1, sizeof *file);
    if (!file)
        abort();
    file->body = body;
    file->left_bytes = length_bytes;
    file->next_line = 1;
    file->ended = length_bytes == 0;
    file->zipped = length_bytes >= 2 && memcmp(body, gzip_magic, 2) == 0;
    buffer_init(&file->lines, (size_t)BACKFILL_LINE_MAX_BYTES + BACKFILL_CHUNK_BYTES + PIECE_BYTES);
    buffer_init(&file->compressed, 2 * file->lines.limit_bytes);
    bool ok = (!file->zipped || inflateInit2(&file->zip, GZIP_WINDOW_BITS) == Z_OK ||
               error_set(err, ERROR_INTERNAL, "zlib can't begin")) &&
              read_first_line(file, err);
    if (ok) {
        bool object = file->lines.data[strspn(file->lines.data, " \t\r\n")] == '{';
        file->format = format >= 0 ? (BackfillFormat)format : object ? BACKFILL_JSONL : BACKFILL_CSV;
        ok = file->format != BACKFILL_CSV || check_header(file, err);
    }
    if (!ok) {
        backfill_file_close(file);
        return false;
    }
    *ret_file = file;
    return true;
}

void backfill_file_close(BackfillFile *file)
{
    if (!file)
        return;
    if (file->zipped)
        inflateEnd(&file->zip);
    buffer_fini(&file->lines);
    buffer_fini(&file->compressed);
    free(file);
}

BackfillFormat backfill_file_format(const BackfillFile *file)
{
    return file->format;
}

static int64_t count_lines(const char *data, size_t length_bytes)
{
    int64_t lines = 0;
    const char *end = data + length_bytes;
    for (const char *at = data; at < end; lines++) {
        const char *next = memchr(at, '\n', (size_t)(end - at));
        at = next ? next + 1 : end;
    }
    return lines;
}

/* Stores the first bytes of what was read. */
static bool store_chunk(BackfillFile *file, PgConnection *connection, int64_t job_id, size_t length_bytes, Error *err)
{
    Buffer chunk = {.data = file->lines.data, .length_bytes = length_bytes};
    int64_t lines = count_lines(chunk.data, length_bytes);
    if (!raw_payload_compress(&chunk, &file->compressed, err) ||
        !pg_run(connection, &sql_insert_backfill_chunk,
                PG_PARAMS(pg_int(job_id), pg_int(file->next_line), pg_int(lines),
                          pg_bytes(file->compressed.data, file->compressed.length_bytes)),
                NULL, err))
        return false;
    file->next_line += lines;
    file->lines.length_bytes -= length_bytes;
    memmove(file->lines.data, file->lines.data + length_bytes, file->lines.length_bytes);
    return true;
}

bool backfill_file_store(BackfillFile *file, PgConnection *connection, int64_t job_id, Error *err)
{
    while (!file->ended) {
        if (!read_piece(file, err))
            return false;
        const char *newline = memrchr(file->lines.data, '\n', file->lines.length_bytes);
        if (file->lines.length_bytes >= BACKFILL_CHUNK_BYTES && newline &&
            !store_chunk(file, connection, job_id, (size_t)(newline - file->lines.data) + 1, err))
            return false;
    }
    return file->lines.length_bytes == 0 || store_chunk(file, connection, job_id, file->lines.length_bytes, err);
}

bool backfill_count_lines(PgConnection *connection, int64_t job_id, int64_t *ret_lines, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    if (!pg_run(connection, &sql_count_backfill_lines, PG_PARAMS(pg_int(job_id)), &row, err))
        return false;
    *ret_lines = pg_get_int(row, 0, 0);
    return true;
}

bool backfill_read_chunk(PgConnection *connection, int64_t job_id, int64_t line, Buffer *out, int64_t *ret_first_line,
                         Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    if (!pg_run(connection, &sql_select_backfill_chunk, PG_PARAMS(pg_int(job_id), pg_int(line)), &row, err))
        return false;
    if (PQntuples(row) == 0)
        return error_set(err, ERROR_NOT_FOUND, "the file of backfill %lld is gone", (long long)job_id);
    size_t length_bytes;
    const void *content = pg_get_bytes(row, 0, 1, &length_bytes);
    if (!raw_payload_expand(content, length_bytes, out, err))
        return false;
    *ret_first_line = pg_get_int(row, 0, 0);
    return true;
}
