#include <criterion/criterion.h>
#include "services/ingest/demand/watermark.h"

#define AT(hours) ((hours)*INSTANT_PER_HOUR)

Test(watermark, is_the_latest_event_when_all_is_read)
{
    PartitionPosition positions[] = {
        {.next_offset = 5, .end_offset = 5, .latest_event_at = AT(10)},
        {.next_offset = 9, .end_offset = 9, .latest_event_at = AT(12)},
        {.next_offset = 0, .end_offset = 0, .latest_event_at = INSTANT_NONE},
    };
    cr_assert_eq(watermark_of(positions, 3), AT(12));
    cr_assert_eq(watermark_lag(positions, 3), 0);
}

Test(watermark, is_held_back_by_a_partition_that_is_behind)
{
    PartitionPosition positions[] = {
        {.next_offset = 5, .end_offset = 8, .latest_event_at = AT(10)},
        {.next_offset = 9, .end_offset = 9, .latest_event_at = AT(12)},
        {.next_offset = 1, .end_offset = 2, .latest_event_at = AT(11)},
    };
    cr_assert_eq(watermark_of(positions, 3), AT(10));
    cr_assert_eq(watermark_lag(positions, 3), 4);
    positions[0].latest_event_at = AT(13);
    positions[0].next_offset = 8;
    cr_assert_eq(watermark_of(positions, 3), AT(11));
    positions[2].latest_event_at = AT(20);
    cr_assert_eq(watermark_of(positions, 3), AT(20), "what is behind has brought the latest event");
}

Test(watermark, is_unknown_while_a_partition_may_hold_anything)
{
    PartitionPosition positions[] = {
        {.next_offset = 9, .end_offset = 9, .latest_event_at = AT(12)},
        {.next_offset = 0, .end_offset = -1, .latest_event_at = INSTANT_NONE},
    };
    cr_assert_eq(watermark_of(positions, 2), INSTANT_NONE);
    positions[1].end_offset = 3;
    cr_assert_eq(watermark_of(positions, 2), INSTANT_NONE);
    cr_assert_eq(watermark_of(positions, 0), INSTANT_NONE);
}

Test(watermark, completes_the_hours_before_it)
{
    cr_assert_eq(watermark_complete_hour(AT(12)), 11);
    cr_assert_eq(watermark_complete_hour(AT(12) - 1), 10);
    cr_assert_eq(watermark_complete_hour(AT(12) + 1), 11);
    cr_assert_eq(watermark_complete_hour(INSTANT_NONE), HOUR_NONE);
}
