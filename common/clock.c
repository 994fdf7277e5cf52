#include "common/clock.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

typedef enum ClockSource { CLOCK_WALL, CLOCK_FIXED, CLOCK_DATA } ClockSource;

/* Written by clock_init() before other threads exist. */
static ClockSource source = CLOCK_WALL;
static Instant fixed_instant;

static _Atomic Instant watermark_instant = INSTANT_NONE;

bool clock_init(const char *now, Error *err)
{
    ClockSource next = CLOCK_WALL;
    Instant instant = 0;
    if (now != NULL && strcmp(now, "data") == 0) {
        next = CLOCK_DATA;
    } else if (now != NULL && now[0] != '\0') {
        if (!instant_parse(now, &instant, err))
            return error_prefix(err, "RUSHCAST_NOW is neither empty nor \"data\" nor an instant");
        next = CLOCK_FIXED;
    }
    source = next;
    fixed_instant = instant;
    atomic_store(&watermark_instant, INSTANT_NONE);
    return true;
}

bool clock_follows_data(void)
{
    return source == CLOCK_DATA;
}

void clock_set_watermark(Instant watermark)
{
    Instant current = atomic_load(&watermark_instant);
    while (watermark > current && !atomic_compare_exchange_weak(&watermark_instant, &current, watermark)) {
    }
}

Instant clock_now(void)
{
    switch (source) {
    case CLOCK_FIXED:
        return fixed_instant;
    case CLOCK_DATA:
        return atomic_load_explicit(&watermark_instant, memory_order_relaxed);
    case CLOCK_WALL:
        break;
    }
    return clock_wall();
}

static struct timespec read_clock(clockid_t id)
{
    struct timespec time;
    clock_gettime(id, &time);
    return time;
}

Instant clock_wall(void)
{
    struct timespec time = read_clock(CLOCK_REALTIME);
    return (Instant)time.tv_sec * INSTANT_PER_SECOND + time.tv_nsec / 1000;
}

int64_t clock_monotonic_ms(void)
{
    struct timespec time = read_clock(CLOCK_MONOTONIC);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

double clock_monotonic_s(void)
{
    struct timespec time = read_clock(CLOCK_MONOTONIC);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}
