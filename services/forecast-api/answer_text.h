/* Answers as text. Numbers have at most 4 decimals, hours are given in UTC and in the geo's local time. Pure. */
#pragma once

#include "common/buffer.h"
#include "services/forecast-api/answer.h"

/* Of one answer of 168 hours, with long ids. */
enum { ANSWER_JSON_MAX_BYTES = 256 * 1024, ANSWER_DECIMALS = 4 };

/* One JSON object on one line, without a newline: the body of GET /forecast. */
void answer_write_json(Buffer *out, const ForecastAnswer *answer);

/* "geo,hour_utc,hour_local,mean,...": the header's line, then a line an hour. */
void answer_write_csv_header(Buffer *out);
void answer_write_csv(Buffer *out, const ForecastAnswer *answer);

/* `"<revision>-<first hour>"` with its quotes: what a reader sees of a geo changes only when one of both does. */
void answer_format_etag(int64_t revision, Hour first_hour, char out[ETAG_TEXT_MAX]);
