#include "cli/city.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/random.h"
#include "common/calendar.h"

enum { STREAM_CELL = 1, STREAM_BRANCH, STREAM_PRODUCT, STREAM_WEATHER, STREAM_ORDERS };

static const double orders_per_cell_hour = 1.25; /* weekly average of the median cell */
static const double weekly_growth = 0.012;
static const double share_late = 0.02, share_duplicate = 0.01, share_malformed = 0.002, share_without_location = 0.1;

/* Relative demand by local hour; each row is scaled to average 1. */
static const double restaurant_day[24] = {.5,  .3,  .1,  .05, .03, .03, .05, .2,  .4,  .5,  .6,  1.2,
                                          2.4, 2.6, 1.6, .9,  .7,  .8,  1.1, 1.9, 3.0, 3.2, 2.2, 1.1};
static const double goods_day[24] = {.2,  .1,  .05, .03, .03, .05, .2,  .6,  1.1, 1.5, 1.8, 1.9,
                                     1.6, 1.3, 1.2, 1.4, 1.7, 2.0, 2.1, 1.8, 1.3, .9,  .6,  .3};
static const double restaurant_week[7] = {.85, .85, .9, .95, 1.2, 1.25, 1.1};
static const double goods_week[7] = {1.0, .95, .95, .95, 1.05, 1.2, .9};

static const char *const dishes[] = {"Empanadas", "Pizza", "Burger", "Sushi", "Milanesa", "Pasta", "Salad", "Completo"};
static const char *const goods[] = {"Milk", "Bread", "Coffee", "Diapers", "Rice", "Batteries", "Shampoo", "Apples"};

static double average(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum / (double)count;
}

static void make_branches(City *city, Arena *arena)
{
    city->branches_count = city->cells_count * CITY_BRANCHES_PER_CELL;
    city->branches = arena_array(arena, city->branches_count, sizeof *city->branches);
    for (size_t i = 0; i < city->branches_count; i++) {
        CityBranch *branch = &city->branches[i];
        Random random = random_stream(city->seed, STREAM_BRANCH, i);
        branch->cell = &city->cells[i / CITY_BRANCHES_PER_CELL];
        snprintf(branch->id, sizeof branch->id, "B%05u", (unsigned)i);
        /* Within about 400 m of the cell's centre, so inside a cell of resolution 7. */
        branch->lat = branch->cell->lat + 0.002 * (2 * random_uniform(&random) - 1);
        branch->lon = branch->cell->lon + 0.002 * (2 * random_uniform(&random) - 1);
        branch->restaurant = i % CITY_BRANCHES_PER_CELL != 0;
    }
}

static void make_products(City *city)
{
    for (size_t i = 0; i < CITY_PRODUCTS; i++) {
        Random random = random_stream(city->seed, STREAM_PRODUCT, i);
        CityProduct *product = &city->products[i];
        product->restaurant = i < CITY_PRODUCTS / 2;
        snprintf(product->sku, sizeof product->sku, "SKU%04zu", i);
        product->name = product->restaurant ? dishes[i % (sizeof dishes / sizeof *dishes)]
                                            : goods[i % (sizeof goods / sizeof *goods)];
        product->price_cents = 300 + (int)random_below(&random, 4000);
    }
}

bool city_new(uint64_t seed, const ServiceArea *area, int resolution, Hour first_hour, Arena *arena, City **ret_city,
              Error *err)
{
    City *city = arena_zalloc(arena, sizeof *city);
    *city = (City){.seed = seed, .first_hour = first_hour};
    /* Seven weeks in, on the Thursday evening: long enough ago to be history, recent enough to be learned wrongly. */
    city->outage_from = first_hour + 7 * HOURS_PER_WEEK + 3 * HOURS_PER_DAY + 20;
    city->outage_to = city->outage_from + 6;

    char(**cells)[GEO_ID_MAX] = arena_array(arena, area->count, sizeof *cells);
    size_t *counts = arena_array(arena, area->count, sizeof *counts);
    for (size_t i = 0; i < area->count; i++) {
        if (!service_city_cells(&area->cities[i], resolution, arena, &cells[i], &counts[i], err))
            return false;
        city->cells_count += counts[i];
    }
    if (city->cells_count == 0)
        return error_set(err, ERROR_INVALID_ARGUMENT, "the service area has no cell to simulate orders in");
    city->cells = arena_array(arena, city->cells_count, sizeof *city->cells);
    CityCell *cell = city->cells;
    for (size_t i = 0; i < area->count; i++) {
        const TimeZone *zone;
        if (!timezone_get(area->cities[i].timezone, &zone, err))
            return false;
        for (size_t j = 0; j < counts[i]; j++, cell++) {
            memcpy(cell->geo, cells[i][j], GEO_ID_MAX);
            cell->city = &area->cities[i];
            cell->zone = zone;
            if (!geo_cell_center(cell->geo, &cell->lat, &cell->lon, err))
                return false;
            Random random = random_stream(seed, STREAM_CELL, (uint64_t)(cell - city->cells));
            cell->popularity = orders_per_cell_hour * exp(0.8 * random_normal(&random));
            cell->restaurant_share = 0.5 + 0.35 * random_uniform(&random);
        }
    }
    make_branches(city, arena);
    make_products(city);
    *ret_city = city;
    return true;
}

/* One factor a city and local day, remembered from day to day: rain brings orders, and lasts. */
static double weather_factor(const City *city, const CityCell *cell, int32_t day)
{
    uint64_t place = (uint64_t)(cell->city - city->cells[0].city);
    Random today = random_stream(city->seed, STREAM_WEATHER + 16 * place, (uint64_t)day);
    Random yesterday = random_stream(city->seed, STREAM_WEATHER + 16 * place, (uint64_t)(day - 1));
    return exp(0.08 * random_normal(&today) + 0.05 * random_normal(&yesterday));
}

double city_expected_orders(const City *city, const CityCell *cell, Hour hour)
{
    if (hour < city->first_hour || (hour >= city->outage_from && hour < city->outage_to))
        return 0;
    LocalTime local = timezone_local(cell->zone, hour);
    bool holiday = calendar_holiday(cell->city->country, local.day_number) != NULL;
    int weekday = holiday ? 6 : local.weekday;
    double restaurant = restaurant_day[local.hour] / average(restaurant_day, 24) * restaurant_week[weekday];
    double shop = goods_day[local.hour] / average(goods_day, 24) * goods_week[weekday] * (holiday ? 0.6 : 1);
    double growth = pow(1 + weekly_growth, (double)(hour - city->first_hour) / HOURS_PER_WEEK);
    double mix = cell->restaurant_share * restaurant + (1 - cell->restaurant_share) * shop;
    return cell->popularity * mix * growth * weather_factor(city, cell, local.day_number);
}

static CityEvent *next_event(CityEvent *events, size_t *count, const CityEvent *order, CityEventType type,
                             double seconds_later, Random *random)
{
    Instant latest = hour_start(hour_of(order->occurred_at) + CITY_EVENT_SPAN_HOURS) - 1;
    CityEvent *event = &events[(*count)++];
    *event = *order;
    event->type = type;
    event->occurred_at += (Instant)(seconds_later * 1e6);
    double delay_s = random_exponential(random, 2);
    if (random_uniform(random) < share_late)
        delay_s += random_exponential(random, 3600);
    event->sent_at = event->occurred_at + (Instant)(delay_s * 1e6);
    if (event->sent_at > latest)
        event->sent_at = latest;
    return event;
}

static void order_events(CityEvent *events, size_t *count, const CityEvent *order, Random *random)
{
    next_event(events, count, order, CITY_CREATED, 0, random);
    if (random_uniform(random) < share_duplicate) {
        CityEvent *again = next_event(events, count, order, CITY_CREATED, 0, random);
        again->duplicate = true;
    }
    if (random_uniform(random) < share_malformed)
        next_event(events, count, order, CITY_MALFORMED, 1, random);
    double accepted_s = 30 + random_exponential(random, 90);
    if (random_uniform(random) < 0.06) {
        next_event(events, count, order, CITY_CANCELLED, accepted_s, random);
        return;
    }
    double picked_up_s = accepted_s + 300 + random_exponential(random, 400);
    double delivered_s = picked_up_s + 300 + random_exponential(random, 600);
    next_event(events, count, order, CITY_ACCEPTED, accepted_s, random);
    next_event(events, count, order, CITY_PICKED_UP, picked_up_s, random);
    next_event(events, count, order, CITY_DELIVERED, delivered_s, random);
}

static int by_sent_at(const void *a, const void *b)
{
    const CityEvent *x = a, *y = b;
    if (x->sent_at != y->sent_at)
        return x->sent_at < y->sent_at ? -1 : 1;
    int order = strcmp(x->order_id, y->order_id);
    return order ? order : (int)x->type - (int)y->type;
}

void city_events(const City *city, Hour hour, Arena *arena, CityEvent **ret_events, size_t *ret_count)
{
    enum { EVENTS_PER_ORDER_MAX = 6 };
    Random random = random_stream(city->seed, STREAM_ORDERS, (uint64_t)hour);
    uint32_t *orders = arena_array(arena, city->cells_count, sizeof *orders);
    size_t total = 0, count = 0;
    for (size_t i = 0; i < city->cells_count; i++) {
        /* Noise beyond Poisson: the real thing is overdispersed. */
        double noise = exp(0.15 * random_normal(&random) - 0.01125);
        orders[i] = random_poisson(&random, noise * city_expected_orders(city, &city->cells[i], hour));
        total += orders[i];
    }
    CityEvent *events = arena_array(arena, total * EVENTS_PER_ORDER_MAX + 1, sizeof *events);
    for (size_t i = 0, number = 0; i < city->cells_count; i++) {
        for (uint32_t j = 0; j < orders[i]; j++, number++) {
            const CityBranch *branch = &city->branches[i * CITY_BRANCHES_PER_CELL];
            bool restaurant = random_uniform(&random) < city->cells[i].restaurant_share;
            branch += restaurant ? 1 + random_below(&random, CITY_BRANCHES_PER_CELL - 1) : 0;
            CityEvent order = {.branch = branch, .customer = random_below(&random, CITY_CUSTOMERS)};
            order.occurred_at = hour_start(hour) + (Instant)(random_uniform(&random) * 3.6e9);
            order.with_location = random_uniform(&random) >= share_without_location;
            order.items = (uint16_t)(1 + random_below(&random, 3));
            order.first_product =
                (uint16_t)(random_below(&random, CITY_PRODUCTS / 2 - 3) + (restaurant ? 0 : CITY_PRODUCTS / 2));
            snprintf(order.order_id, sizeof order.order_id, "o%d-%zu", hour, number);
            order_events(events, &count, &order, &random);
        }
    }
    assert(count <= total * EVENTS_PER_ORDER_MAX + 1);
    qsort(events, count, sizeof *events, by_sent_at);
    *ret_events = events;
    *ret_count = count;
}

const char *city_event_type_name(CityEventType type)
{
    static const char *const names[] = {"order_created",   "order_accepted",  "order_picked_up",
                                        "order_delivered", "order_cancelled", "order_malformed"};
    return names[type];
}
