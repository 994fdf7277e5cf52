#include <criterion/criterion.h>
#include "common/clock.h"
#include "services/forecast-api/board.h"
#include "services/forecast-api/reclaim.h"
#include "tests/unit/services/forecast-api/snapshot_fixture.h"

TestSuite(board);

static void set_clock(const char *text)
{
    Instant now;
    Error err;
    cr_assert(instant_parse(text, &now, &err));
    clock_set_watermark(now);
}

static Instant instant(const char *text)
{
    Instant parsed;
    Error err;
    cr_assert(instant_parse(text, &parsed, &err));
    return parsed;
}

Test(board, answers_start_at_the_first_hour_that_has_not_begun)
{
    Hour hour = hour_of(instant("2026-11-01T05:00:00Z"));
    cr_assert_eq(board_first_hour(instant("2026-11-01T04:00:00.000001Z")), hour);
    cr_assert_eq(board_first_hour(instant("2026-11-01T04:59:59.999999Z")), hour);
    cr_assert_eq(board_first_hour(instant("2026-11-01T05:00:00Z")), hour);
    cr_assert_eq(board_first_hour(instant("2026-11-01T05:00:00.000001Z")), hour + 1);
    cr_assert_eq(board_first_hour(INSTANT_NONE), HOUR_NONE);
}

Test(board, turns_when_an_hour_begins)
{
    Error err;
    cr_assert(clock_init("data", &err));
    Snapshot *model = fixture_snapshot("2026-11-01T00:00:00Z");
    Board *board = board_new(&model->policy);
    cr_assert_null(board_hold(board));
    board_turn(board);
    cr_assert_null(board_hold(board));
    board_show(board, &model->parts);
    Snapshot *timeless = board_hold(board);
    cr_assert_eq(timeless->first_hour, HOUR_NONE);
    set_clock("2026-11-01T04:10:00Z");
    board_turn(board);
    Snapshot *five = board_hold(board);
    cr_assert_eq(five->first_hour, hour_of(instant("2026-11-01T05:00:00Z")));
    set_clock("2026-11-01T04:50:00Z");
    board_turn(board);
    Snapshot *same = board_hold(board);
    cr_assert_eq(same, five, "nothing changes within an hour");
    set_clock("2026-11-01T05:00:01Z");
    board_turn(board);
    Snapshot *six = board_hold(board);
    cr_assert_eq(six->first_hour, five->first_hour + 1);
    cr_assert_eq(six->parts.set, model->parts.set);
    cr_assert_eq(snapshot_find(five, "old")->info.geo_version, 2, "held snapshots stay");
    shared_unref(timeless);
    shared_unref(five);
    shared_unref(same);
    shared_unref(six);
    board_free(board);
    shared_unref(model);
}
