#include <string.h>
#include "common/metrics.h"
#include "services/ingest/quality/quality_report.h"

#define GAUGE(name_, help_, ...)                                                                                       \
    {                                                                                                                  \
        .kind = METRIC_GAUGE, .name = "rushcast_quality_" name_, .help = help_, .labels = { __VA_ARGS__ }              \
    }

static Metric state = GAUGE("state", "Worst finding of the last seven days: 0 ok, 1 late, 2 incomplete, 3 wrong.");
static Metric source_age = GAUGE("source_age_seconds", "Time since the source was last known to be current.", "source");
static Metric source_late = GAUGE("source_late", "1 while the source is later than its setting allows.", "source");
static Metric gaps = GAUGE("open_gaps", "Gaps of the last seven days in the orders of a city or of all.");
static Metric stream_gaps = GAUGE("open_stream_gaps", "Spans of the order stream that were lost and not filled.");
static Metric reconciliations =
    GAUGE("reconciliations", "Counts of days compared in the last seven days, by source and state.", "source", "state");
static Metric rule_failures =
    GAUGE("rule_failed_rows", "Rows of the last seven days that broke the rule.", "rule", "severity");
static Metric rules_behind = GAUGE("rules_behind", "Commits whose rows have not been checked yet.");
static Metric quarantined = GAUGE("quarantined_rows", "Rows of things set aside and not resolved.");
static Metric drift = GAUGE("drift_fields", "Fields of the last seven days that are not as expected.");
static Metric dead_letters = GAUGE("dead_letters", "Messages of the last seven days that could not be used.");

static int64_t integer(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static size_t index_of(const char *const *words, const char *word)
{
    size_t i = 0;
    while (words[i] && strcmp(words[i], word) != 0)
        i++;
    return i;
}

static double count_open(const json_t *array, const char *end)
{
    double count = 0;
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item) count += json_is_null(json_object_get(item, end));
    return count;
}

static double sum(const json_t *array, const char *key)
{
    double total = 0;
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item) total += (double)integer(item, key);
    return total;
}

static void set_sources(const json_t *sources)
{
    size_t i;
    json_t *source;
    json_array_foreach(sources, i, source)
    {
        bool is_known = strcmp(text(source, "state"), "unknown") != 0;
        metric_set(metric_with(&source_late, text(source, "source")), strcmp(text(source, "state"), "late") == 0);
        if (is_known)
            metric_set(metric_with(&source_age, text(source, "source")), (double)integer(source, "age_s"));
    }
}

static void set_reconciliations(const json_t *compared)
{
    static const char *const sources[] = {"kafka", "demand", "company-sql", "company-documents", NULL};
    static const char *const states[] = {"ok", "explained", "pending", "differs", "failed", NULL};
    double counts[5][6] = {0};
    size_t i;
    json_t *item;
    json_array_foreach(compared, i, item)
        counts[index_of(sources, text(item, "source"))][index_of(states, text(item, "state"))]++;
    for (size_t source = 0; sources[source]; source++)
        for (size_t at = 0; states[at]; at++)
            metric_set(metric_with(&reconciliations, sources[source], states[at]), counts[source][at]);
}

static void set_rules(const json_t *rules)
{
    size_t i;
    json_t *rule;
    json_array_foreach(rules, i, rule) metric_set(
        metric_with(&rule_failures, text(rule, "rule"), text(rule, "severity")), (double)integer(rule, "failed_rows"));
}

void quality_metrics_set(const json_t *report)
{
    static const char *const states[] = {"ok", "late", "incomplete", "wrong", NULL};
    metric_set(metric_with(&state), (double)index_of(states, text(report, "state")));
    set_sources(json_object_get(report, "sources"));
    metric_set(metric_with(&gaps), count_open(json_object_get(report, "gaps"), "resolved_at"));
    metric_set(metric_with(&stream_gaps), count_open(json_object_get(report, "stream_gaps"), "filled_at"));
    set_reconciliations(json_object_get(report, "reconciliation"));
    set_rules(json_object_get(report, "rules"));
    metric_set(metric_with(&rules_behind), (double)integer(report, "rules_behind"));
    metric_set(metric_with(&quarantined), sum(json_object_get(report, "quarantine"), "rows"));
    metric_set(metric_with(&drift), sum(json_object_get(report, "drift"), "fields"));
    metric_set(metric_with(&dead_letters), sum(json_object_get(report, "dead_letters"), "messages"));
}
