/* What is served at one moment: a published set, the geos, the overrides in force and the first hour of the answers,
 * joined for look-up by geo. Immutable but for the bodies, which are made at first use. Pure. */
#pragma once

#include "services/forecast-api/geo_catalog.h"
#include "services/forecast-api/issued_set.h"
#include "services/forecast-api/override_rules.h"
#include "services/forecast-api/prepared_body.h"

/* How answers are made, from the configuration. */
typedef struct ServingPolicy {
    int stale_after_hours; /* a set whose cutoff lies further back is stale */
    CourierPolicy couriers;
} ServingPolicy;

/* The parts a snapshot is joined from; each is shared by several snapshots. */
typedef struct SnapshotParts {
    IssuedSet *set; /* NULL before the first publication */
    GeoCatalog *geos;
    OverrideList *overrides;
    int64_t publication_seq;
} SnapshotParts;

enum { SNAPSHOT_NONE = UINT32_MAX, SNAPSHOT_SCOPES = 3 };

/* Demand of a parent for a vertical that the set has for its leaves only: means add up, quantiles do not, so the
 * leaves' variances are added as if independent. */
typedef struct SnapshotPool {
    double *mean, *variance; /* IssuedSet.hours of them */
} SnapshotPool;

typedef struct SnapshotGeo {
    GeoInfo info;                          /* strings belong to the parts */
    const IssuedSeries *series[VERTICALS]; /* NULL: not in the set */
    SnapshotPool *pool[VERTICALS];         /* parents only; NULL when there is nothing to add up */
    uint32_t parent;                       /* index; SNAPSHOT_NONE */
    uint32_t leaves;                       /* how many a parent has; 0: is a leaf itself */
    uint32_t overrides;                    /* first of the chain of overrides that name this geo; SNAPSHOT_NONE */
    int64_t revision;                      /* at which anything a reader could see last changed */
    PreparedBody *_Atomic bodies[VERTICALS];
} SnapshotGeo;

typedef struct Snapshot {
    Shared shared; /* let go with shared_unref() */
    SnapshotParts parts;
    ServingPolicy policy;
    Hour first_hour;   /* of every answer; HOUR_NONE while the time is not known */
    SnapshotGeo *geos; /* those of the catalog and of the set, by geo */
    uint32_t count;
    uint32_t all;            /* index of the geo "all"; SNAPSHOT_NONE */
    int64_t revision;        /* the highest of the geos' */
    uint32_t *override_next; /* chains by geo, in the order of parts.overrides */
    uint32_t *table;         /* open addressing: index + 1, 0 is free */
    uint32_t table_mask;
    Arena *arena;
} Snapshot;

/* Takes references of its own on the parts. */
Snapshot *snapshot_new(const SnapshotParts *parts, const ServingPolicy *policy, Hour first_hour);
/* Takes over the bodies that would be the same in both: same set, same first hour, same revision. */
void snapshot_adopt_bodies(Snapshot *snapshot, Snapshot *before);

/* NULL when the geo is not known. */
SnapshotGeo *snapshot_find(const Snapshot *snapshot, const char *geo);
/* The override that holds for this geo, vertical and hour, or NULL. */
const Override *snapshot_override(const Snapshot *snapshot, const SnapshotGeo *geo, Vertical vertical, Hour hour);
/* Neither a city nor `all` nor the parent of another. */
bool snapshot_is_leaf(const SnapshotGeo *geo);
