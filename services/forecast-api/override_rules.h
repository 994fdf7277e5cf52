/* Overrides by operations: which one holds for an hour, and what it does to the numbers. Pure.
 *
 * Precedence: an override of the geo itself goes before one of its parent with scope `children`, that before one of
 * `all`; among equals the one made last holds. Only one holds in an hour. Overrides are not added up to parents. */
#pragma once

#include "common/arena.h"
#include "common/hour.h"
#include "services/forecast-api/issued_set.h"

typedef enum OverrideScope { OVERRIDE_GEO, OVERRIDE_CHILDREN, OVERRIDE_SCOPES } OverrideScope;
typedef enum OverrideKind { OVERRIDE_FACTOR, OVERRIDE_ABSOLUTE, OVERRIDE_KINDS } OverrideKind;

/* NULL-terminated: "geo", "children"; "factor", "absolute". */
extern const char *const override_scope_names[];
extern const char *const override_kind_names[];

enum {
    OVERRIDES_MAX = 10000, /* in force at once */
    OVERRIDE_REASON_MAX = 500,
    OVERRIDE_AUTHOR_MAX = 100,
    OVERRIDE_HOURS_MAX = 24 * 35,
};

typedef struct Override {
    const char *id;
    const char *geo;
    OverrideScope scope; /* OVERRIDE_CHILDREN: the geo and all geos whose parent it is; `all`: every geo */
    OverrideKind kind;
    Vertical vertical; /* VERTICAL_ALL: a factor holds for each vertical, an absolute value for all orders only */
    Hour from, to;     /* [from, to) */
    double value;
    bool in_force;    /* false: has ended since the current publication; kept for the revision it raised */
    int64_t revision; /* raised when it was made or ended, whichever came last */
} Override;

typedef struct OverrideList {
    Shared shared;   /* let go with shared_unref() */
    Override *items; /* those in force newest first */
    size_t count, in_force;
    Arena *arena;
} OverrideList;

/* Room for `count`, to be filled with those in force newest first; strings are copied. */
OverrideList *override_list_new(size_t count);
void override_list_add(OverrideList *list, const Override *item);

/* Whether it speaks about this vertical and hour. */
bool override_covers(const Override *override, Vertical vertical, Hour hour);
/* A factor multiplies all numbers; an absolute value becomes the mean, and the quantiles keep their ratio to it (they
 * all become the value where the mean is 0). Rounded to 4 decimals like forecasts. */
DemandEstimate override_apply(const Override *override, const DemandEstimate *demand);
