/* The Kafka message of a simulated event. Pure. */
#pragma once

#include "cli/city.h"
#include "common/buffer.h"

/* Appends the event's JSON; malformed events come in several broken forms. */
void city_message(const City *city, const CityEvent *event, Buffer *out);

/* Sum of the order's items in hundredths of the currency, and that currency (ISO 4217, static). */
int city_order_cents(const City *city, const CityEvent *event);
const char *city_currency(const CityEvent *event);
