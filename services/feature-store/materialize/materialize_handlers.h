/* Routes that materialize feature views, as Feast's SDK asks for it, and that show how far this is. */
#pragma once

#include "common/router.h"

enum { MATERIALIZE_BODY_LIMIT_BYTES = 64 * 1024 };

RouteHandler materialize_handle_full;        /* POST /materialize */
RouteHandler materialize_handle_incremental; /* POST /materialize-incremental */
RouteHandler materialize_handle_list;        /* GET /materializations */
RouteHandler materialize_handle_get;         /* GET /materializations/{id} */
