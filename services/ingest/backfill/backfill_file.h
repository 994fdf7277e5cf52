/* The file of a backfill: from a request's body into the database, in compressed chunks of whole lines, and back. */
#pragma once

#include "common/buffer.h"
#include "common/pg.h"

enum {
    BACKFILL_CHUNK_BYTES = 4 << 20,
    BACKFILL_LINE_MAX_BYTES = 32 << 20,
};
#define BACKFILL_BODY_MAX_BYTES ((size_t)1 << 30)
#define BACKFILL_EXPANDED_MAX_BYTES ((size_t)16 << 30)

typedef enum BackfillFormat { BACKFILL_JSONL, BACKFILL_CSV } BackfillFormat;
extern const char *const backfill_format_names[]; /* "jsonl", "csv", NULL */

/* A body, gzip (told by its first bytes) or not, while it is read. */
typedef struct BackfillFile BackfillFile;

/* Reads the first line. `format` -1: CSV unless that begins with "{". MALFORMED, UNPROCESSABLE. */
bool backfill_file_open(const char *body, size_t length_bytes, int format, BackfillFile **ret_file,
                        Error *err) MUST_CHECK;
void backfill_file_close(BackfillFile *file); /* accepts NULL */
BackfillFormat backfill_file_format(const BackfillFile *file);
/* Stores the whole file for the job, in the connection's open transaction. MALFORMED, TOO_LARGE. */
bool backfill_file_store(BackfillFile *file, PgConnection *connection, int64_t job_id, Error *err) MUST_CHECK;

/* Lines of a stored file. */
bool backfill_count_lines(PgConnection *connection, int64_t job_id, int64_t *ret_lines, Error *err) MUST_CHECK;
/* The chunk that holds the line (from 1), expanded into `out`, and the number of its first one. */
bool backfill_read_chunk(PgConnection *connection, int64_t job_id, int64_t line, Buffer *out, int64_t *ret_first_line,
                         Error *err) MUST_CHECK;
