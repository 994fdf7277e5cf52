#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>
#include "cli/city.h"
#include "cli/city_message.h"
#include "common/json.h"

enum { RESOLUTION = 7, MESSAGE_LIMIT_BYTES = 8192 };

static const Hour start = 497000; /* 2026-09-12T08:00Z */

static ServiceCity cities[] = {{.city = "city:a",
                                .name = "A",
                                .timezone = "America/Argentina/Buenos_Aires",
                                .country = "AR",
                                .lat = -34.6,
                                .lon = -58.4,
                                .radius_km = 3}};
static const ServiceArea area = {cities, 1};

static City *make_city(Arena *arena, uint64_t seed)
{
    City *city = NULL;
    Error err = {0};
    cr_assert(city_new(seed, &area, RESOLUTION, start, arena, &city, &err), "%s", err.message);
    return city;
}

Test(city, same_hour_gives_the_same_events)
{
    Arena *arena = arena_new();
    CityEvent *first, *second;
    size_t first_count, second_count;
    city_events(make_city(arena, 5), start + 40, arena, &first, &first_count);
    city_events(make_city(arena, 5), start + 40, arena, &second, &second_count);
    cr_assert(ge(sz, first_count, 4));
    cr_assert(eq(sz, first_count, second_count));
    for (size_t i = 0; i < first_count; i++) {
        cr_assert(eq(str, first[i].order_id, second[i].order_id));
        cr_assert(eq(i64, first[i].sent_at, second[i].sent_at));
    }
    arena_free(arena);
}

Test(city, events_are_sent_in_order_within_their_span)
{
    Arena *arena = arena_new();
    City *city = make_city(arena, 1);
    for (Hour hour = start; hour < start + 200; hour++) {
        CityEvent *events;
        size_t count;
        city_events(city, hour, arena, &events, &count);
        for (size_t i = 0; i < count; i++) {
            cr_assert(ge(i64, events[i].occurred_at, hour_start(hour)));
            cr_assert(ge(i64, events[i].sent_at, events[i].occurred_at));
            cr_assert(lt(i64, events[i].sent_at, hour_start(hour + CITY_EVENT_SPAN_HOURS)));
            if (i)
                cr_assert(ge(i64, events[i].sent_at, events[i - 1].sent_at));
        }
    }
    arena_free(arena);
}

Test(city, nothing_before_it_began_nor_during_the_outage)
{
    Arena *arena = arena_new();
    City *city = make_city(arena, 1);
    CityEvent *events;
    size_t count;
    city_events(city, start - 1, arena, &events, &count);
    cr_assert(eq(sz, count, 0));
    city_events(city, city->outage_from, arena, &events, &count);
    cr_assert(eq(sz, count, 0));
    cr_assert(gt(dbl, city_expected_orders(city, city->cells, city->outage_to), 0));
    arena_free(arena);
}

Test(city, evenings_are_busier_than_nights)
{
    Arena *arena = arena_new();
    City *city = make_city(arena, 1);
    Hour midnight = timezone_day_start(city->cells[0].zone, start / 24 + 3);
    cr_assert(gt(dbl, city_expected_orders(city, city->cells, midnight + 21),
                 5 * city_expected_orders(city, city->cells, midnight + 4)));
    arena_free(arena);
}

Test(city, messages_are_json_unless_malformed)
{
    Arena *arena = arena_new();
    City *city = make_city(arena, 1);
    Buffer message;
    buffer_init(&message, MESSAGE_LIMIT_BYTES);
    for (Hour hour = start; hour < start + 100; hour++) {
        CityEvent *events;
        size_t count;
        city_events(city, hour, arena, &events, &count);
        for (size_t i = 0; i < count; i++) {
            buffer_clear(&message);
            city_message(city, &events[i], &message);
            json_t *json = NULL;
            if (events[i].type == CITY_MALFORMED)
                continue;
            cr_assert(json_parse(message.data, message.length_bytes, &json, NULL), "%s", message.data);
            cr_assert(
                eq(str, (char *)(uintptr_t)json_string_value(json_object_get(json, "order_id")), events[i].order_id));
            json_decref(json);
        }
    }
    buffer_fini(&message);
    arena_free(arena);
}
