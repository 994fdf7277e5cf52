#include "services/ingest/quality/quality_report.h"

#include <string.h>
#include "gen/ingest_sql.h"
#include "services/ingest/quality/freshness.h"

static json_t *source_json(const QualitySource *source, const QualityQuery *query, const PGresult *rows)
{
    Instant heard_at = INSTANT_NONE;
    int64_t lag = 0;
    for (int i = 0; i < PQntuples(rows); i++) {
        if (strcmp(pg_get_text(rows, i, 0), source->name) == 0) {
            heard_at = pg_get_instant(rows, i, 1);
            lag = pg_get_int(rows, i, 2);
        }
    }
    Freshness freshness = freshness_of(heard_at, query->now, source->late_after_s);
    return json_pack(
        "{ss ss so so sI ss sI}", "source", source->name, "state", freshness_name(freshness), "heard_at",
        json_instant(heard_at), "age_s",
        freshness == FRESHNESS_UNKNOWN ? json_null() : json_integer((query->now - heard_at) / INSTANT_PER_SECOND),
        "late_after_s", (json_int_t)source->late_after_s, "setting", source->setting, "lag", (json_int_t)lag);
}

/* Whether an item of the array has this text under the key. */
static bool any_has(const json_t *array, const char *key, const char *text)
{
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item)
    {
        const char *value = json_string_value(json_object_get(item, key));
        if (value && strcmp(value, text) == 0)
            return true;
    }
    return false;
}

static bool any_is_open(const json_t *array, const char *end)
{
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item)
    {
        if (json_is_null(json_object_get(item, end)))
            return true;
    }
    return false;
}

static bool any_error(const json_t *rules)
{
    size_t i;
    json_t *rule;
    json_array_foreach(rules, i, rule)
    {
        if (json_integer_value(json_object_get(rule, "failed_rows")) > 0 &&
            strcmp(json_string_value(json_object_get(rule, "severity")), "error") == 0)
            return true;
    }
    return false;
}

/* The worst that there is. */
static const char *overall_state(const json_t *report)
{
    if (any_has(json_object_get(report, "reconciliation"), "state", "differs") ||
        any_error(json_object_get(report, "rules")))
        return "wrong";
    if (any_is_open(json_object_get(report, "gaps"), "resolved_at") ||
        any_is_open(json_object_get(report, "stream_gaps"), "filled_at"))
        return "incomplete";
    return any_has(json_object_get(report, "sources"), "state", "late") ? "late" : "ok";
}

bool quality_report_read(PgConnection *connection, const QualityQuery *query, json_t **ret_report, Error *err)
{
    PG_RESULT_SCOPED PGresult *document = NULL;
    PG_RESULT_SCOPED PGresult *freshness = NULL;
    if (!pg_run(connection, &sql_select_quality, PG_PARAMS(pg_instant(query->since)), &document, err) ||
        !pg_run(connection, &sql_select_source_freshness, PG_PARAMS(pg_text(query->topic)), &freshness, err))
        return false;
    json_t *found = json_loads(pg_get_text(document, 0, 0), 0, NULL);
    json_t *sources = json_array();
    for (size_t i = 0; i < QUALITY_SOURCES; i++)
        json_array_append_new(sources, source_json(&query->sources[i], query, freshness));
    json_object_set_new(found, "sources", sources);
    json_t *report = json_pack("{ss so}", "state", overall_state(found), "since", json_instant(query->since));
    json_object_update(report, found);
    json_decref(found);
    *ret_report = report;
    return true;
}
