#include "services/ingest/backfill/backfill_job.h"

#include <stdio.h>
#include <string.h>
#include "gen/ingest_sql.h"
#include "services/ingest/backfill/backfill_csv.h"
#include "services/ingest/backfill/backfill_file.h"
#include "services/ingest/orders/order_intake.h"

enum { TOPIC_MAX_BYTES = 64, MESSAGE_LIMIT_BYTES = 8 * BACKFILL_LINE_MAX_BYTES };

typedef struct Counts {
    int64_t lines, events, duplicates, dead_letters;
} Counts;

typedef struct Backfill {
    Ingest *ingest;
    Job *job;
    OrderIntake *intake;
    bool csv;
    BackfillColumns columns;
    Buffer chunk, message;
    Counts recorded;
    int64_t added_lines; /* up to this one */
} Backfill;

static int64_t counted_before(const Job *job, const char *name)
{
    return json_integer_value(json_object_get(job->result, name));
}

static void tell(Job *job, const Counts *counts)
{
    job->done = counts->lines;
    json_object_set_new(job->result, "events", json_integer(counts->events));
    json_object_set_new(job->result, "duplicates", json_integer(counts->duplicates));
    json_object_set_new(job->result, "dead_letters", json_integer(counts->dead_letters));
}

static bool record(void *context, PgConnection *connection, const OrderBatch *batch, const StoreResult *result,
                   Error *err)
{
    (void)batch;
    const Backfill *backfill = context;
    const Counts counts = {.lines = backfill->added_lines,
                           .events = backfill->recorded.events + result->events,
                           .duplicates = backfill->recorded.duplicates + result->duplicates,
                           .dead_letters = backfill->recorded.dead_letters + result->dead_letters};
    tell(backfill->job, &counts);
    return job_report(connection, backfill->job, err);
}

static Counts told(const Job *job)
{
    return (Counts){.lines = job->done,
                    .events = counted_before(job, "events"),
                    .duplicates = counted_before(job, "duplicates"),
                    .dead_letters = counted_before(job, "dead_letters")};
}

static bool commit(Backfill *backfill, Error *err)
{
    if (!order_intake_commit(backfill->intake, err))
        return false;
    backfill->recorded = told(backfill->job);
    return true;
}

static bool add_line(Backfill *backfill, char *line, size_t length_bytes, Error *err)
{
    const char *data = line;
    int64_t number = backfill->added_lines + 1;
    while (length_bytes > 0 && (line[length_bytes - 1] == '\r' || line[length_bytes - 1] == ' '))
        length_bytes--;
    bool header = backfill->csv && number == 1;
    if (length_bytes > 0 && !header) {
        if (backfill->csv) {
            line[length_bytes] = '\0';
            buffer_clear(&backfill->message);
            backfill_columns_write(&backfill->columns, line, &backfill->message);
            if (!buffer_ok(&backfill->message, err))
                return false;
            data = backfill->message.data;
            length_bytes = backfill->message.length_bytes;
        }
        if (!order_intake_has_room(backfill->intake, length_bytes) && !commit(backfill, err))
            return false;
        if (!order_intake_add(backfill->intake, number, data, length_bytes, err))
            return false;
    }
    backfill->added_lines = number;
    return true;
}

/* The lines of the chunk that are not added yet. */
static bool add_chunk(Backfill *backfill, int64_t first_line, Error *err)
{
    int64_t number = first_line;
    char *end = backfill->chunk.data + backfill->chunk.length_bytes;
    for (char *line = backfill->chunk.data; line < end; number++) {
        char *newline = memchr(line, '\n', (size_t)(end - line));
        size_t length_bytes = (size_t)((newline ? newline : end) - line);
        if (number > backfill->added_lines && !add_line(backfill, line, length_bytes, err))
            return false;
        line += length_bytes + (newline != NULL);
    }
    return commit(backfill, err);
}

static bool read_chunk(Backfill *backfill, int64_t line, int64_t *ret_first_line, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    if (!pg_acquire(backfill->ingest->postgres, INGEST_DATABASE_WAIT_MS, &connection, err) ||
        !backfill_read_chunk(connection, backfill->job->job_id, line, &backfill->chunk, ret_first_line, err))
        return false;
    backfill->chunk.data[backfill->chunk.length_bytes] = '\0';
    return true;
}

static bool read_header(Backfill *backfill, Error *err)
{
    int64_t first_line;
    if (!read_chunk(backfill, 1, &first_line, err))
        return false;
    char *header = backfill->chunk.data + strspn(backfill->chunk.data, " ");
    header[strcspn(header, "\r\n")] = '\0';
    return backfill_columns_read(header, &backfill->columns, err);
}

static bool read_all(Backfill *backfill, Error *err)
{
    if (backfill->csv && !read_header(backfill, err))
        return false;
    while (backfill->added_lines < backfill->job->total) {
        int64_t first_line;
        if (workers_stopping())
            return error_set(err, ERROR_UNAVAILABLE, "the service is stopping");
        if (!read_chunk(backfill, backfill->added_lines + 1, &first_line, err) || !add_chunk(backfill, first_line, err))
            return false;
    }
    return true;
}

/* A gap is filled when the file held anything of use. */
static bool end(const Backfill *backfill, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    Job *job = backfill->job;
    int64_t gap_id = json_integer_value(json_object_get(job->parameters, "gap"));
    job->done = job->total;
    if (!pg_acquire(backfill->ingest->postgres, INGEST_DATABASE_WAIT_MS, &connection, err))
        return false;
    if (gap_id == 0 || backfill->recorded.events + backfill->recorded.duplicates == 0)
        return true;
    return pg_run(connection, &sql_fill_stream_gap, PG_PARAMS(pg_int(gap_id), pg_int(job->job_id)), NULL, err);
}

static bool count_lines(const Backfill *backfill, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    return pg_acquire(backfill->ingest->postgres, INGEST_DATABASE_WAIT_MS, &connection, err) &&
           backfill_count_lines(connection, backfill->job->job_id, &backfill->job->total, err);
}

bool backfill_run(void *service, Job *job, Error *err)
{
    char topic[TOPIC_MAX_BYTES];
    snprintf(topic, sizeof topic, "backfill/%lld", (long long)job->job_id);
    const char *format = json_string_value(json_object_get(job->parameters, "format"));
    Backfill backfill = {.ingest = service,
                         .job = job,
                         .csv = format && strcmp(format, backfill_format_names[BACKFILL_CSV]) == 0,
                         .recorded = told(job),
                         .added_lines = job->done};
    const OrderOrigin origin = {.source = BACKFILL_JOB, .why = "backfill", .record = record, .context = &backfill};
    buffer_init(&backfill.chunk, MESSAGE_LIMIT_BYTES);
    buffer_init(&backfill.message, MESSAGE_LIMIT_BYTES);
    tell(job, &backfill.recorded);
    bool ok = count_lines(&backfill, err) && order_intake_new(service, topic, &origin, &backfill.intake, err) &&
              read_all(&backfill, err) && end(&backfill, err);
    order_intake_free(backfill.intake);
    buffer_fini(&backfill.chunk);
    buffer_fini(&backfill.message);
    return ok;
}
