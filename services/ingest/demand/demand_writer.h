/* Rows of demand in the format that the client accepts. */
#pragma once

#include <stdio.h>
#include "common/arrow_table.h"
#include "common/buffer.h"
#include "common/request.h"

typedef enum DemandFormat { DEMAND_JSON, DEMAND_CSV, DEMAND_ARROW } DemandFormat;

/* Media types in the order of DemandFormat; NULL-terminated. */
extern const char *const demand_media_types[];

typedef struct DemandWriter {
    DemandFormat format;
    bool with_vertical; /* rows name theirs; JSON null, CSV empty where it is not known */
    FILE *out;
    ArrowWriter *arrow;
    int64_t rows;
    const char *geo; /* the one that geo_text was made from */
    Buffer geo_text;
    Hour hour; /* the one that hour_text was made from */
    char hour_text[INSTANT_TEXT_MAX];
} DemandWriter;

/* Writes what comes before the rows: the CSV header, or nothing (a JSON document is the caller's but for the items). */
bool demand_writer_begin(DemandWriter *writer, DemandFormat format, bool with_vertical, FILE *out,
                         Error *err) MUST_CHECK;
void demand_writer_row(DemandWriter *writer, const char *geo, Hour hour, const char *vertical, int64_t count);
/* Writes the rest; also frees, so it is called in any case. */
bool demand_writer_end(DemandWriter *writer, Error *err) MUST_CHECK;
