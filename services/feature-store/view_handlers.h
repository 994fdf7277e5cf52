/* Routes over whole feature views: what there is, how it does, and its values in bulk. */
#pragma once

#include "common/router.h"

RouteHandler view_handle_list;       /* GET /feature-views */
RouteHandler view_handle_services;   /* GET /feature-services */
RouteHandler view_handle_get;        /* GET /feature-views/{name} */
RouteHandler view_handle_statistics; /* GET /feature-views/{name}/statistics */
RouteHandler view_handle_export;     /* GET /feature-views/{name}/export */
RouteHandler view_handle_hint;       /* POST /hints/demand */
