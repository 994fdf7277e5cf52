#include "services/trainer/set_writer.h"

#include <glib.h>
#include "common/arrow_table.h"
#include "common/http_client.h"
#include "services/trainer/spool_file.h"

enum { SEND_DEADLINE_MS = 5 * 60 * 1000, PUBLISH_DEADLINE_MS = 60 * 1000, SEND_ATTEMPTS = 3, URL_MAX = 512 };

struct SetWriter {
    FILE *file;
    ArrowWriter *arrow;
};

static const ArrowColumn set_columns[] = {
    {"geo", ARROW_COLUMN_TEXT, false},       {"vertical", ARROW_COLUMN_TEXT, true},
    {"model", ARROW_COLUMN_TEXT, false},     {"reason", ARROW_COLUMN_TEXT, true},
    {"mean", ARROW_COLUMN_REAL_LIST, false}, {"p10", ARROW_COLUMN_REAL_LIST, false},
    {"p50", ARROW_COLUMN_REAL_LIST, false},  {"p90", ARROW_COLUMN_REAL_LIST, false},
};

bool set_writer_new(const char *spool_dir, const SetHeader *header, SetWriter **ret_writer, Error *err)
{
    char cutoff[INSTANT_TEXT_MAX], issued_at[INSTANT_TEXT_MAX], hours[16];
    hour_format(header->cutoff, cutoff);
    instant_format(header->issued_at, issued_at);
    g_snprintf(hours, sizeof hours, "%zu", header->hours);
    const ArrowMetadata metadata[] = {
        {"rushcast.cutoff", cutoff},
        {"rushcast.issued_at", issued_at},
        {"rushcast.hours", hours},
        {"rushcast.kind", header->daily ? "daily" : "hourly"},
        {NULL, NULL},
    };
    SetWriter *writer = g_malloc0(sizeof *writer);
    if (!spool_file_open(spool_dir, &writer->file, err) ||
        !arrow_writer_new(writer->file, set_columns, sizeof set_columns / sizeof set_columns[0], metadata,
                          &writer->arrow, err)) {
        set_writer_free(writer);
        return false;
    }
    *ret_writer = writer;
    return true;
}

void set_writer_add(SetWriter *writer, const ForecastSet *set, const char *vertical)
{
    for (size_t i = 0; i < set->count; i++) {
        const SeriesForecast *series = &set->series[i];
        arrow_text(writer->arrow, series->geo);
        arrow_text(writer->arrow, vertical);
        arrow_text(writer->arrow, series->model);
        arrow_text(writer->arrow, series->reason);
        arrow_reals(writer->arrow, series->mean, set->hours);
        for (size_t q = 0; q < FORECAST_QUANTILES; q++) {
            arrow_reals(writer->arrow, series->quantiles[q], set->hours);
        }
        arrow_end_row(writer->arrow);
    }
}

bool set_writer_send(SetWriter *writer, const char *forecast_api_url, const char *token, const char *id, bool publish,
                     Error *err)
{
    SPOOL_FILE_MAP_SCOPED SpoolFileMap map = {0};
    char url[URL_MAX];
    ArrowWriter *arrow = writer->arrow;
    writer->arrow = NULL;
    if (!arrow_writer_end(arrow, err) || !spool_file_map(writer->file, &map, err)) {
        return false;
    }
    g_snprintf(url, sizeof url, "%s/forecast-sets/%s", forecast_api_url, id);
    Error failure;
    if (!http_call(&(HttpCall){.method = "PUT",
                               .url = url,
                               .content_type = "application/vnd.apache.arrow.stream",
                               .token = token,
                               .body = map.data,
                               .body_length_bytes = map.length_bytes,
                               .deadline_ms = SEND_DEADLINE_MS,
                               .attempts = SEND_ATTEMPTS},
                   NULL, &failure) &&
        failure.code != ERROR_CONFLICT) {
        *err = failure;
        return false;
    }
    if (!publish) {
        return true;
    }
    g_snprintf(url, sizeof url, "%s/forecast-sets/%s/publish", forecast_api_url, id);
    return http_call(&(HttpCall){.method = "POST",
                                 .url = url,
                                 .token = token,
                                 .deadline_ms = PUBLISH_DEADLINE_MS,
                                 .attempts = SEND_ATTEMPTS},
                     NULL, err);
}

void set_writer_free(SetWriter *writer)
{
    if (writer == NULL) {
        return;
    }
    Error ignored;
    if (writer->arrow != NULL && !arrow_writer_end(writer->arrow, &ignored)) {
        /* The rows are thrown away. */
    }
    spool_file_close(&writer->file);
    g_free(writer);
}
