/* A forecast set on its way to forecast-api: rows are spooled as an Arrow stream, then sent and published. */
#pragma once

#include "services/trainer/forecasting/forecaster.h"

typedef struct SetWriter SetWriter;

typedef struct SetHeader {
    Hour cutoff;
    Instant issued_at;
    size_t hours;
    bool daily; /* made by a training; else an hourly refresh */
} SetHeader;

bool set_writer_new(const char *spool_dir, const SetHeader *header, SetWriter **ret_writer, Error *err) MUST_CHECK;
/* A row for each series; `vertical` NULL: all orders. Errors are reported when sending. */
void set_writer_add(SetWriter *writer, const ForecastSet *set, const char *vertical);
/* PUTs the set under the id and, with `publish`, makes it the one that is served. May be repeated: when an earlier
 * attempt has stored a set under the id, that one stays (its time of issue differs at least). */
bool set_writer_send(SetWriter *writer, const char *forecast_api_url, const char *token, const char *id, bool publish,
                     Error *err) MUST_CHECK;
void set_writer_free(SetWriter *writer); /* accepts NULL */
