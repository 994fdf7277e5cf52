#include "services/forecast-api/answer_text.h"

#include <stdio.h>

void answer_format_etag(int64_t revision, Hour first_hour, char out[ETAG_TEXT_MAX])
{
    snprintf(out, ETAG_TEXT_MAX, "\"%lld-%ld\"", (long long)revision, (long)first_hour);
}

static void append_decimal(Buffer *out, const char *label, double value)
{
    buffer_append_text(out, label);
    buffer_append_decimal(out, value, ANSWER_DECIMALS);
}

static void append_local_hour(Buffer *out, const TimeZone *zone, Hour hour)
{
    char text[INSTANT_TEXT_MAX];
    buffer_append(out, text, hour_format_offset(hour, timezone_offset_s(zone, hour), text));
}

static void append_hour(Buffer *out, Hour hour)
{
    char text[INSTANT_TEXT_MAX];
    buffer_append(out, text, hour_format(hour, text));
}

static void append_member(Buffer *out, const char *label, const char *value)
{
    buffer_append_text(out, label);
    buffer_append_json_string(out, value);
}

static void append_row(Buffer *out, const AnswerHour *row, const TimeZone *zone)
{
    buffer_append_text(out, "{\"hour\":\"");
    append_hour(out, row->hour);
    buffer_append_text(out, "\",\"hour_local\":\"");
    append_local_hour(out, zone, row->hour);
    append_decimal(out, "\",\"mean\":", row->demand.mean);
    append_decimal(out, ",\"p10\":", row->demand.p10);
    append_decimal(out, ",\"p50\":", row->demand.p50);
    append_decimal(out, ",\"p90\":", row->demand.p90);
    append_decimal(out, ",\"couriers\":", (double)row->couriers);
    append_member(out, ",\"override\":", row->override);
    buffer_append_char(out, '}');
}

void answer_write_json(Buffer *out, const ForecastAnswer *answer)
{
    char issued_at[INSTANT_TEXT_MAX], cutoff[INSTANT_TEXT_MAX];
    instant_format(answer->set->issued_at, issued_at);
    hour_format(answer->set->cutoff, cutoff);
    append_member(out, "{\"geo\":", answer->geo->geo);
    buffer_printf(out, ",\"geo_version\":%lld", (long long)answer->geo->geo_version);
    append_member(out, ",\"timezone\":", answer->geo->timezone);
    append_member(out, ",\"issued_at\":", issued_at);
    append_member(out, ",\"cutoff\":", cutoff);
    append_member(out, ",\"set\":", answer->set->id);
    buffer_printf(out, ",\"revision\":%lld", (long long)answer->revision);
    append_member(out, ",\"model\":", answer->model);
    append_member(out, ",\"quality\":", quality_names[answer->quality]);
    append_member(out, ",\"reason\":", answer->reason);
    buffer_printf(out, ",\"hours\":%zu,\"forecast\":[", answer->hours);
    for (size_t i = 0; i < answer->hours; i++) {
        if (i > 0)
            buffer_append_char(out, ',');
        append_row(out, &answer->rows[i], answer->geo->zone);
    }
    buffer_append_text(out, "]}");
}

void answer_write_csv_header(Buffer *out)
{
    buffer_append_text(out,
                       "geo,hour_utc,hour_local,mean,p10,p50,p90,couriers,override,model,quality,reason,revision\r\n");
}

void answer_write_csv(Buffer *out, const ForecastAnswer *answer)
{
    for (size_t i = 0; i < answer->hours; i++) {
        const AnswerHour *row = &answer->rows[i];
        buffer_append_csv(out, answer->geo->geo);
        buffer_append_char(out, ',');
        append_hour(out, row->hour);
        buffer_append_char(out, ',');
        append_local_hour(out, answer->geo->zone, row->hour);
        append_decimal(out, ",", row->demand.mean);
        append_decimal(out, ",", row->demand.p10);
        append_decimal(out, ",", row->demand.p50);
        append_decimal(out, ",", row->demand.p90);
        append_decimal(out, ",", (double)row->couriers);
        buffer_append_char(out, ',');
        buffer_append_csv(out, row->override != NULL ? row->override : "");
        buffer_append_char(out, ',');
        buffer_append_csv(out, answer->model);
        buffer_printf(out, ",%s,", quality_names[answer->quality]);
        buffer_append_csv(out, answer->reason != NULL ? answer->reason : "");
        buffer_printf(out, ",%lld\r\n", (long long)answer->revision);
    }
}
