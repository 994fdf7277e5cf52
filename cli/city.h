/* A made-up delivery company in the cities of a service area: branches, customers, products, runners, and the order
 * events of any hour. Everything follows from the seed: the same hour always gives the same events, so that a run can
 * go on where an earlier one stopped. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "common/arena.h"
#include "common/geo.h"
#include "common/hour.h"
#include "common/timezone.h"

/* An order's last event is sent within this many hours from the start of the hour it was created in. */
enum { CITY_EVENT_SPAN_HOURS = 16 };
enum { CITY_BRANCHES_PER_CELL = 5, CITY_RUNNERS_PER_CELL = 8, CITY_CUSTOMERS = 20000, CITY_PRODUCTS = 400 };

typedef struct CityCell {
    char geo[GEO_ID_MAX];
    const ServiceCity *city;
    const TimeZone *zone;
    double lat, lon;
    double popularity; /* orders an hour at the weekly average, before growth */
    double restaurant_share;
} CityCell;

typedef struct CityBranch {
    char id[16];
    const CityCell *cell;
    double lat, lon;
    bool restaurant; /* else a shop: goods */
} CityBranch;

typedef struct CityProduct {
    char sku[16];
    const char *name;
    int price_cents;
    bool restaurant;
} CityProduct;

typedef struct City {
    uint64_t seed;
    Hour first_hour;             /* growth counts from here; nothing happens before */
    Hour outage_from, outage_to; /* no request could be made in [from, to) */
    CityCell *cells;
    size_t cells_count;
    CityBranch *branches; /* CITY_BRANCHES_PER_CELL a cell, in the order of the cells */
    size_t branches_count;
    CityProduct products[CITY_PRODUCTS];
} City;

typedef enum CityEventType {
    CITY_CREATED,
    CITY_ACCEPTED,
    CITY_PICKED_UP,
    CITY_DELIVERED,
    CITY_CANCELLED,
    CITY_MALFORMED, /* what a broken producer sends */
} CityEventType;

typedef struct CityEvent {
    CityEventType type;
    Instant occurred_at;
    Instant sent_at; /* later than occurred_at: seconds as a rule, hours for a few */
    char order_id[24];
    uint32_t customer;
    const CityBranch *branch;
    bool with_location; /* else the branch's applies */
    uint16_t first_product, items;
    bool duplicate; /* a second copy of an event: same identity, another event_id */
} CityEvent;

/* A company in the area's cities, living from first_hour on. All in the arena; the area must outlive it. */
bool city_new(uint64_t seed, const ServiceArea *area, int resolution, Hour first_hour, Arena *arena, City **ret_city,
              Error *err) MUST_CHECK;
/* Expected orders in that cell and hour: level x hour of week x holiday x growth x weather, 0 during the outage. */
double city_expected_orders(const City *city, const CityCell *cell, Hour hour);
/* All events of the orders created in that hour, ordered by sent_at; in the arena. */
void city_events(const City *city, Hour hour, Arena *arena, CityEvent **ret_events, size_t *ret_count);

const char *city_event_type_name(CityEventType type);
