/* Feast's writes: rows that clients push or materialize themselves. A request is stored as a whole or, when it is
 * wrong somewhere, not at all. When a store is down it may be sent again: what is stored already is skipped. Both take
 * `overwrite: true` beside what Feast sends: then rows replace stored ones of the same or a later event time. */
#pragma once

#include "common/router.h"

enum { FEAST_WRITE_LIMIT_BYTES = 64 << 20 };

RouteHandler feast_handle_write; /* POST /write-to-online-store: the body of a success is null */
RouteHandler feast_handle_push;  /* POST /push: to every view of the push source, offline before online */
