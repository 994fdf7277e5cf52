#include "services/ingest/demand/demand_writer.h"

#include <errno.h>
#include <string.h>

const char *const demand_media_types[] = {"application/json", "text/csv", "application/vnd.apache.arrow.stream", NULL};

static const ArrowColumn count_columns[] = {
    {"geo", ARROW_COLUMN_TEXT, false},
    {"hour_utc", ARROW_COLUMN_HOUR, false},
    {"count", ARROW_COLUMN_INT, false},
};
static const ArrowColumn vertical_columns[] = {
    {"geo", ARROW_COLUMN_TEXT, false},
    {"hour_utc", ARROW_COLUMN_HOUR, false},
    {"vertical", ARROW_COLUMN_TEXT, true},
    {"count", ARROW_COLUMN_INT, false},
};

enum { GEO_TEXT_MAX_BYTES = 4096 };

bool demand_writer_begin(DemandWriter *writer, DemandFormat format, bool with_vertical, FILE *out, Error *err)
{
    *writer = (DemandWriter){.format = format, .with_vertical = with_vertical, .out = out, .hour = HOUR_NONE};
    buffer_init(&writer->geo_text, GEO_TEXT_MAX_BYTES);
    if (format == DEMAND_CSV)
        fputs(with_vertical ? "geo,hour_utc,vertical,count\n" : "geo,hour_utc,count\n", out);
    if (format != DEMAND_ARROW)
        return true;
    return with_vertical ? arrow_writer_new(out, vertical_columns, 4, NULL, &writer->arrow, err)
                         : arrow_writer_new(out, count_columns, 3, NULL, &writer->arrow, err);
}

static void format_key(DemandWriter *writer, const char *geo, Hour hour)
{
    if (hour != writer->hour) {
        hour_format(hour, writer->hour_text);
        writer->hour = hour;
    }
    if (geo == writer->geo)
        return;
    buffer_clear(&writer->geo_text);
    if (writer->format == DEMAND_JSON)
        buffer_append_json_string(&writer->geo_text, geo);
    else
        buffer_append_csv(&writer->geo_text, geo);
    writer->geo = geo;
}

static void write_json(DemandWriter *writer, const char *vertical, int64_t count)
{
    fprintf(writer->out, "%s{\"geo\":%s,\"hour\":\"%s\"", writer->rows > 0 ? "," : "", writer->geo_text.data,
            writer->hour_text);
    if (writer->with_vertical)
        fprintf(writer->out, vertical ? ",\"vertical\":\"%s\"" : ",\"vertical\":null", vertical);
    fprintf(writer->out, ",\"count\":%lld}", (long long)count);
}

static void write_csv(DemandWriter *writer, const char *vertical, int64_t count)
{
    if (writer->with_vertical)
        fprintf(writer->out, "%s,%s,%s,%lld\n", writer->geo_text.data, writer->hour_text, vertical ? vertical : "",
                (long long)count);
    else
        fprintf(writer->out, "%s,%s,%lld\n", writer->geo_text.data, writer->hour_text, (long long)count);
}

static void write_arrow(DemandWriter *writer, const char *geo, Hour hour, const char *vertical, int64_t count)
{
    arrow_text(writer->arrow, geo);
    arrow_int(writer->arrow, hour);
    if (writer->with_vertical)
        arrow_text(writer->arrow, vertical);
    arrow_int(writer->arrow, count);
    arrow_end_row(writer->arrow);
}

void demand_writer_row(DemandWriter *writer, const char *geo, Hour hour, const char *vertical, int64_t count)
{
    if (writer->format == DEMAND_ARROW) {
        write_arrow(writer, geo, hour, vertical, count);
    } else {
        format_key(writer, geo, hour);
        if (writer->format == DEMAND_JSON)
            write_json(writer, vertical, count);
        else
            write_csv(writer, vertical, count);
    }
    writer->rows++;
}

bool demand_writer_end(DemandWriter *writer, Error *err)
{
    ArrowWriter *arrow = writer->arrow;
    writer->arrow = NULL;
    buffer_fini(&writer->geo_text);
    return !arrow || arrow_writer_end(arrow, err);
}
