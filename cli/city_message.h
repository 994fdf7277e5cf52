/* The Kafka message of a simulated event. Pure. */
#pragma once

#include "cli/city.h"
#include "common/buffer.h"

/* Appends the event's JSON; malformed events come in several broken forms. */
void city_message(const City *city, const CityEvent *event, Buffer *out);
