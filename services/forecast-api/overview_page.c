#include "services/forecast-api/overview_page.h"

#include "common/clock.h"
#include "services/forecast-api/answer.h"
#include "services/forecast-api/forecast_api.h"

enum { PAGE_MAX_BYTES = 4 << 20, PAGE_GEOS_MAX = 500 };

static void append_html(Buffer *out, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        switch (*c) {
        case '&':
            buffer_append_text(out, "&amp;");
            break;
        case '<':
            buffer_append_text(out, "&lt;");
            break;
        case '>':
            buffer_append_text(out, "&gt;");
            break;
        case '"':
            buffer_append_text(out, "&quot;");
            break;
        case '\'':
            buffer_append_text(out, "&#39;");
            break;
        default:
            buffer_append_char(out, *c);
        }
    }
}

static void append_query_value(Buffer *out, const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++)
        buffer_printf(out, (*c >= '0' && *c <= '9') || ((*c | 32) >= 'a' && (*c | 32) <= 'z') ? "%c" : "%%%02X", *c);
}

static const char page_head[] =
    "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>Rushcast</title>"
    "<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;"
    "padding:0 1rem}table{border-collapse:collapse;width:100%}th,td{padding:.25rem .75rem;text-align:left;"
    "border-bottom:1px solid #8886}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}</style></head>"
    "<body><main><h1>Rushcast</h1>";
static const char page_links[] =
    "<p><a href=\"/forecasts?hours=24\">All forecasts</a> · <a href=\"/geos\">Geos</a> · "
    "<a href=\"/forecast-sets\">Forecast sets</a> · <a href=\"/overrides\">Overrides</a> · "
    "<a href=\"/readyz\">Readiness</a> · <a href=\"/metrics\">Metrics</a></p>";
static const char table_head[] =
    "<table><caption>Delivery requests expected in the next 24 hours</caption><thead><tr><th scope=\"col\">Geo</th>"
    "<th scope=\"col\">Name</th><th scope=\"col\">Quality</th><th scope=\"col\" class=\"n\">Requests</th>"
    "<th scope=\"col\" class=\"n\">Most couriers in an hour</th></tr></thead><tbody>";

static void append_geo(Buffer *out, const Snapshot *snapshot, const SnapshotGeo *geo)
{
    ForecastAnswer answer;
    answer_make(snapshot, geo, VERTICAL_ALL, HOURS_PER_DAY, &answer);
    double requests = 0;
    int64_t couriers = 0;
    for (size_t i = 0; i < answer.hours; i++) {
        requests += answer.rows[i].demand.mean;
        couriers = answer.rows[i].couriers > couriers ? answer.rows[i].couriers : couriers;
    }
    buffer_append_text(out, "<tr><td><a href=\"/forecast?geo=");
    append_query_value(out, geo->info.geo);
    buffer_append_text(out, "\">");
    append_html(out, geo->info.geo);
    buffer_append_text(out, "</a></td><td>");
    append_html(out, geo->info.name);
    buffer_printf(out, "</td><td>%s</td><td class=\"n\">%.1f</td><td class=\"n\">%lld</td></tr>",
                  quality_names[answer.quality], requests, (long long)couriers);
}

static void append_set(Buffer *out, const Snapshot *snapshot)
{
    const IssuedSet *set = snapshot->parts.set;
    char cutoff[INSTANT_TEXT_MAX], issued_at[INSTANT_TEXT_MAX], first_hour[INSTANT_TEXT_MAX];
    hour_format(set->cutoff, cutoff);
    instant_format(set->issued_at, issued_at);
    hour_format(snapshot->first_hour, first_hour);
    buffer_append_text(out, "<p>Serving set <strong>");
    append_html(out, set->id);
    buffer_printf(out,
                  "</strong>: last observed hour %s, issued %s. Forecasts start at %s, for %u geos; %zu overrides "
                  "are in force.</p>",
                  cutoff, issued_at, first_hour, snapshot->count, snapshot->parts.overrides->in_force);
}

/* Cities and `all`, or the rest; returns how many. */
static uint32_t append_kind(Buffer *out, const Snapshot *snapshot, bool leaves, uint32_t limit)
{
    uint32_t shown = 0;
    for (uint32_t i = 0; i < snapshot->count && shown < limit; i++)
        if (snapshot_is_leaf(&snapshot->geos[i]) == leaves) {
            append_geo(out, snapshot, &snapshot->geos[i]);
            shown++;
        }
    return shown;
}

static void append_geos(Buffer *out, const Snapshot *snapshot)
{
    buffer_append_text(out, table_head);
    uint32_t shown = append_kind(out, snapshot, false, PAGE_GEOS_MAX);
    shown += append_kind(out, snapshot, true, PAGE_GEOS_MAX - shown);
    buffer_append_text(out, "</tbody></table>");
    if (shown < snapshot->count)
        buffer_printf(out, "<p>%u geos are not shown here; <a href=\"/geos\">/geos</a> lists them all.</p>",
                      snapshot->count - shown);
}

bool overview_get(Request *request, Response *response, Error *err)
{
    const ForecastApi *api = request->service;
    Buffer out BUFFER_SCOPED;
    buffer_init(&out, PAGE_MAX_BYTES);
    buffer_append_text(&out, page_head);
    Snapshot *snapshot;
    Error waiting;
    if (forecast_api_hold(api, &snapshot, &waiting)) {
        append_set(&out, snapshot);
        buffer_append_text(&out, page_links);
        append_geos(&out, snapshot);
        shared_unref(snapshot);
    } else {
        buffer_append_text(&out, "<p>Nothing to show yet: ");
        append_html(&out, waiting.message);
        buffer_append_text(&out, ".</p>");
        buffer_append_text(&out, page_links);
    }
    buffer_append_text(&out, "</main></body></html>");
    if (!buffer_ok(&out, err))
        return false;
    response_buffer(response, "text/html; charset=utf-8", &out);
    return true;
}
