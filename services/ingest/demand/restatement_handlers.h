/* GET /demand/restatements: the ledger of changes to hours that were closed. */
#pragma once

#include "common/router.h"

enum { RESTATEMENTS_MAX = 10000, RESTATEMENTS_DEFAULT = 1000 };

RouteHandler handle_list_restatements;
