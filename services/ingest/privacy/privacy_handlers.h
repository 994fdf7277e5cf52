/* Handler: DELETE /customers/{id}/personal-data. */
#pragma once

#include "common/router.h"

RouteHandler handle_erase_customer;
