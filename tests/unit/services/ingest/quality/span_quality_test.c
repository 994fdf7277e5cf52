#include "services/ingest/quality/span_quality.h"

#include <criterion/criterion.h>
#include "services/ingest/quality/freshness.h"

Test(span_quality, says_the_worst_and_all_reasons)
{
    static const struct {
        SpanQuality quality;
        const char *state, *json, *header;
    } cases[] = {
        {{0}, "ok", "{\"state\":\"ok\",\"reasons\":[]}", "ok"},
        {{.orders_late = true},
         "late",
         "{\"state\":\"late\",\"reasons\":[\"orders_late\"]}",
         "late;reasons=\"orders_late\""},
        {{.orders_late = true, .gap = true, .reconciliation = true},
         "incomplete",
         "{\"state\":\"incomplete\",\"reasons\":[\"orders_late\",\"gap\",\"reconciliation\"]}",
         "incomplete;reasons=\"orders_late gap reconciliation\""},
        {{.stream_gap = true},
         "incomplete",
         "{\"state\":\"incomplete\",\"reasons\":[\"stream_gap\"]}",
         "incomplete;reasons=\"stream_gap\""},
    };
    ARENA_SCOPED Arena *arena = arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_assert_str_eq(span_quality_state(&cases[i].quality), cases[i].state);
        cr_assert_str_eq(span_quality_json(&cases[i].quality, arena), cases[i].json);
        cr_assert_str_eq(span_quality_header(&cases[i].quality, arena), cases[i].header);
    }
}

Test(freshness, a_source_is_late_after_its_limit_and_unknown_before_it_was_heard)
{
    Instant now = 1000 * INSTANT_PER_SECOND;
    cr_assert_eq(freshness_of(now - 60 * INSTANT_PER_SECOND, now, 60), FRESHNESS_OK);
    cr_assert_eq(freshness_of(now - 61 * INSTANT_PER_SECOND, now, 60), FRESHNESS_LATE);
    cr_assert_eq(freshness_of(now + INSTANT_PER_HOUR, now, 60), FRESHNESS_OK);
    cr_assert_eq(freshness_of(INSTANT_NONE, now, 60), FRESHNESS_UNKNOWN);
    cr_assert_eq(freshness_of(now, INSTANT_NONE, 60), FRESHNESS_UNKNOWN);
    cr_assert_str_eq(freshness_name(FRESHNESS_UNKNOWN), "unknown");
}
