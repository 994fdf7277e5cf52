#include "cli/city_message.h"

#include <string.h>

int city_order_cents(const City *city, const CityEvent *event)
{
    int sum = 0;
    for (int i = 0; i < event->items; i++)
        sum += city->products[event->first_product + i].price_cents;
    return sum;
}

const char *city_currency(const CityEvent *event)
{
    return strcmp(event->branch->cell->city->country, "CL") == 0 ? "CLP" : "ARS";
}

static void malformed(const CityEvent *event, Buffer *out)
{
    char at[INSTANT_TEXT_MAX];
    instant_format(event->occurred_at, at);
    switch (event->occurred_at / INSTANT_PER_SECOND % 4) {
    case 0: /* cut off on the way */
        buffer_printf(out, "{\"event_id\":\"%s-bad\",\"event_type\":\"order_cre", event->order_id);
        break;
    case 1: /* a required field is missing */
        buffer_printf(out, "{\"event_id\":\"%s-bad\",\"event_type\":\"order_created\",\"occurred_at\":\"%s\"}",
                      event->order_id, at);
        break;
    case 2: /* a clock that is a year ahead */
        buffer_printf(out,
                      "{\"event_id\":\"%s-bad\",\"event_type\":\"order_created\",\"order_id\":\"%s-bad\","
                      "\"occurred_at\":\"2199-01-01T00:00:00Z\",\"branch_id\":\"%s\"}",
                      event->order_id, event->order_id, event->branch->id);
        break;
    default: /* nowhere on earth */
        buffer_printf(out,
                      "{\"event_id\":\"%s-bad\",\"event_type\":\"order_created\",\"order_id\":\"%s-bad\","
                      "\"occurred_at\":\"%s\",\"location\":{\"lat\":912.5,\"lon\":0}}",
                      event->order_id, event->order_id, at);
    }
}

void city_message(const City *city, const CityEvent *event, Buffer *out)
{
    if (event->type == CITY_MALFORMED) {
        malformed(event, out);
        return;
    }
    char at[INSTANT_TEXT_MAX];
    instant_format(event->occurred_at, at);
    const CityBranch *branch = event->branch;
    buffer_printf(out, "{\"event_id\":\"%s-%d%s\",\"event_type\":\"%s\",\"order_id\":\"%s\",\"occurred_at\":\"%s\"",
                  event->order_id, (int)event->type, event->duplicate ? "-again" : "",
                  city_event_type_name(event->type), event->order_id, at);
    buffer_printf(out, ",\"branch_id\":\"%s\",\"customer_id\":\"C%06u\",\"vertical\":\"%s\"", branch->id,
                  event->customer, branch->restaurant ? "restaurant" : "goods");
    if (event->with_location)
        buffer_printf(out, ",\"location\":{\"lat\":%.6f,\"lon\":%.6f}", branch->lat, branch->lon);
    if (event->type == CITY_CREATED) {
        buffer_append_text(out, ",\"items\":[");
        for (int i = 0; i < event->items; i++) {
            const CityProduct *product = &city->products[event->first_product + i];
            buffer_printf(out, "%s{\"sku\":\"%s\",\"name\":\"%s\",\"quantity\":1,\"unit_price\":\"%d.%02d\"}",
                          i ? "," : "", product->sku, product->name, product->price_cents / 100,
                          product->price_cents % 100);
        }
        int total = city_order_cents(city, event);
        buffer_printf(out, "],\"total\":{\"amount\":\"%d.%02d\",\"currency\":\"%s\"}", total / 100, total % 100,
                      city_currency(event));
    }
    buffer_append_char(out, '}');
}
