/* A forecast set as issued: one series a row of an Arrow stream, validated whole before anyone sees it. Pure. */
#pragma once

#include "common/arena.h"
#include "common/hour.h"
#include "services/forecast-api/couriers.h"
#include "services/forecast-api/shared.h"

typedef enum Vertical { VERTICAL_ALL, VERTICAL_RESTAURANT, VERTICAL_GOODS, VERTICALS } Vertical;

/* NULL-terminated, by Vertical; VERTICAL_ALL is "all". */
extern const char *const vertical_names[];

enum {
    ISSUED_HOURS_MIN = HOURS_PER_WEEK, /* a whole week, so that any later hour has its hour of the week in it */
    ISSUED_HOURS_MAX = 2 * HOURS_PER_WEEK,
    ISSUED_SET_ID_MAX = 64,
    ISSUED_WORD_MAX = 64, /* of a model or a reason */
};

typedef struct IssuedSeries {
    const char *geo;
    Vertical vertical;
    const char *model;
    const char *reason;          /* NULL: from enough recent data */
    const DemandEstimate *hours; /* IssuedSet.hours of them, from cutoff + 1 on */
} IssuedSeries;

typedef struct IssuedSet {
    Shared shared; /* let go with shared_unref() */
    const char *id;
    const char *kind; /* "daily" or "hourly" */
    Hour cutoff;
    Instant issued_at;
    size_t hours;
    IssuedSeries *series; /* by geo, then vertical */
    size_t count;
    DemandEstimate *estimates;
    Arena *arena;
} IssuedSet;

/* 1..ISSUED_SET_ID_MAX letters, digits, '-', '_', '.' and ':'. */
bool issued_set_id_ok(const char *id);
/* Reads and checks the whole stream: known metadata, list lengths, finite numbers, none negative, quantiles in order,
 * no series twice. MALFORMED, or UNPROCESSABLE naming row and column. `data` is not kept. */
bool issued_set_read(const char *id, const void *data, size_t length_bytes, IssuedSet **ret_set, Error *err) MUST_CHECK;
