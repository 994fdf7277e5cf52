/* Stand-ins of feature-store, ingest and forecast-api in this process, on one port: they answer a made-up history of
 * three geos and keep what is sent to them. */
#pragma once

#include "common/http_server.h"

enum { FAKE_SETS_MAX = 8, FAKE_SET_LIMIT_BYTES = 16 * 1024 * 1024 };

typedef struct FakeSet {
    char id[64];
    char *data;
    size_t length_bytes;
    int puts, publishes;
} FakeSet;

typedef struct FakePlatform {
    HttpServer *server;
    Auth *auth;
    char url[64];
    Hour first_hour, complete_hour;
    int64_t cursor;
    bool has_events_to_come;
    int failing_publishes;
    int failing_puts; /* this many PUTs answer 503 first */
    double factor;    /* demand of the next export */
    int full_exports, later_exports;
    FakeSet sets[FAKE_SETS_MAX];
    size_t sets_count;
    char wrong[256]; /* the first request that was not as it should be */
} FakePlatform;

void fake_platform_start(FakePlatform *platform, Hour first_hour, Hour complete_hour);
void fake_platform_stop(FakePlatform *platform);
FakeSet *fake_platform_set(FakePlatform *platform, const char *id);
