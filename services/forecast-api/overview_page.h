/* GET /: a small page that shows what is being served. */
#pragma once

#include "common/router.h"

RouteHandler overview_get;
