/* POST /events: order events from clients that have no Kafka of their own. */
#pragma once

#include "common/router.h"

enum { EVENTS_BODY_MAX_BYTES = 1 << 20, EVENTS_MAX = 1000 };

RouteHandler handle_post_events;
