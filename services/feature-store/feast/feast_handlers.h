/* Routes of Feast's HTTP contract, so that its unmodified SDK can read features here. */
#pragma once

#include "common/router.h"

enum { FEAST_BODY_LIMIT_BYTES = 1 << 20 };

RouteHandler feast_handle_online_features; /* POST /get-online-features */
RouteHandler feast_handle_health;          /* GET /health */
