#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "services/ingest/backfill/backfill_csv.h"

static const struct {
    const char *header, *line, *json;
} lines[] = {
    {"event_id,ts_utc,lat,lon", "e1,2026-06-01T10:00:00Z,-1.5,2",
     "{\"event_id\":\"e1\",\"event_type\":\"order_created\",\"order_id\":\"e1\",\"occurred_at\":\"2026-06-01T10:00:"
     "00Z\","
     "\"location\":{\"lat\":-1.5,\"lon\":2}}"},
    {"lon,geo,lat,event_id,order_id,event_type,occurred_at", "2,label,1,e,o,order_delivered,now",
     "{\"event_id\":\"e\",\"event_type\":\"order_delivered\",\"order_id\":\"o\",\"occurred_at\":\"now\","
     "\"location\":{\"lat\":1,\"lon\":2}}"},
    {"event_id,ts_utc,branch_id,customer_id,vertical,total_amount,currency", "e,t,b,c,goods,1.50,USD",
     "{\"event_id\":\"e\",\"event_type\":\"order_created\",\"order_id\":\"e\",\"occurred_at\":\"t\",\"branch_id\":"
     "\"b\","
     "\"customer_id\":\"c\",\"vertical\":\"goods\",\"total\":{\"amount\":\"1.50\",\"currency\":\"USD\"}}"},
    {"event_id,ts_utc,lat,lon", "\"a \"\"b\"\", c\",t\\,0x10,007",
     "{\"event_id\":\"a \\\"b\\\", c\",\"event_type\":\"order_created\",\"order_id\":\"a \\\"b\\\", c\","
     "\"occurred_at\":\"t\\\\\",\"location\":{\"lat\":\"0x10\",\"lon\":\"007\"}}"},
    {"event_id,ts_utc,lat,lon", "e", "{\"event_id\":\"e\",\"event_type\":\"order_created\",\"order_id\":\"e\"}"},
    {"event_id,ts_utc,lat,lon", "", "{\"event_type\":\"order_created\"}"},
    {"event_id,ts_utc,lat,lon", "\x01\xff,,,",
     "{\"event_id\":\"\\u0001\xff\",\"event_type\":\"order_created\","
     "\"order_id\":\"\\u0001\xff\"}"},
};

Test(backfill_csv, a_line_becomes_an_event)
{
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char text[256];
        BackfillColumns columns;
        Error err;
        Buffer out;
        buffer_init(&out, 4096);
        snprintf(text, sizeof text, "%s", lines[i].header);
        cr_assert(backfill_columns_read(text, &columns, &err), "%s", err.message);
        snprintf(text, sizeof text, "%s", lines[i].line);
        backfill_columns_write(&columns, text, &out);
        cr_assert_str_eq(out.data, lines[i].json);
        buffer_fini(&out);
    }
}

Test(backfill_csv, the_header_names_what_is_needed)
{
    static const char *const bad[] = {"", "event_id,ts_utc", "event_id,lat,lon", "ts_utc,lat,lon",
                                      "event_id,ts_utc,lat"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[64];
        BackfillColumns columns;
        Error err;
        snprintf(text, sizeof text, "%s", bad[i]);
        cr_assert_not(backfill_columns_read(text, &columns, &err), "%s", bad[i]);
        cr_assert_eq(err.code, ERROR_UNPROCESSABLE);
        cr_assert(strstr(err.message, "event_id"));
    }
}
