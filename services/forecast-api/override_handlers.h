/* Overrides by operations: made, listed, withdrawn. Every one ever made is kept. */
#pragma once

#include "common/router.h"

RouteHandler overrides_list, override_put, override_delete;
