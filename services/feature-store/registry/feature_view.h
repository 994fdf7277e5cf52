/* Feature views as JSON files declare them: those of views/, embedded at build time, and those of a folder named at
 * start. A declaration is data: entities, features with types, source, time to live, owner, description, version. A
 * change that breaks readers needs a new version; old and new are served side by side. Pure but for the folder. */
#pragma once

#include <stdint.h>
#include "common/arena.h"
#include "common/hour.h"
#include "common/json.h"

enum {
    FEATURE_VIEWS_MAX = 64,
    FEATURES_PER_VIEW_MAX = 200,
    FEATURE_NAME_MAX = 63,      /* of features and join keys */
    FEATURE_VIEW_NAME_MAX = 46, /* with version and month it is still an SQL name */
    FEATURE_TABLE_MAX = 63,
    FEATURE_KEYS_MAX = 4,
    FEATURE_ENTITY_MAX = 256,    /* bytes of an entity's canonical text */
    FEATURE_SQL_MAX = 64 * 1024, /* bytes of a source's query */
};

typedef enum FeatureType { FEATURE_INT64, FEATURE_FLOAT64, FEATURE_BOOL, FEATURE_TEXT, FEATURE_INSTANT } FeatureType;
enum { FEATURE_TYPES = FEATURE_INSTANT + 1 };

/* One value; which member holds it is told by the feature's or the key's type. */
typedef struct FeatureValue {
    bool null;
    union {
        int64_t integer;  /* FEATURE_INT64 */
        double real;      /* FEATURE_FLOAT64 */
        bool boolean;     /* FEATURE_BOOL */
        const char *text; /* FEATURE_TEXT: UTF-8, of whoever made the value */
        Instant instant;  /* FEATURE_INSTANT */
    };
} FeatureValue;

typedef struct Feature {
    const char *name; /* also the column in the offline table */
    FeatureType type;
    const char *description;
    bool online_only;        /* not kept offline: has no column there */
    double minimum, maximum; /* values beyond are counted as out of range; NAN: none */
} Feature;

typedef struct FeatureKey {
    const char *entity, *join_key;
    FeatureType type; /* FEATURE_INT64 or FEATURE_TEXT */
    const char *description;
} FeatureKey;

typedef enum FeatureSourceKind {
    FEATURE_SOURCE_DEMAND,    /* ingest's hourly demand: the view geo_demand */
    FEATURE_SOURCE_PUSH,      /* rows are pushed under the source's name */
    FEATURE_SOURCE_SQL,       /* a query over the offline store, run every so often */
    FEATURE_SOURCE_ON_DEMAND, /* computed when asked for; nothing is kept */
} FeatureSourceKind;

typedef struct FeatureSource {
    FeatureSourceKind kind;
    const char *name;  /* of a push source, else NULL */
    const char *query; /* file name of a query, else NULL */
    const char *sql;   /* what is in that file, else NULL */
    int64_t every_s;   /* of a query, else 0 */
} FeatureSource;

typedef struct FeatureView {
    const char *name;
    int64_t version;
    const char *table; /* offline: features.<table>, which is <name>_v<version>; also its row of features.progress */
    const char *description, *owner;
    FeatureKey keys[FEATURE_KEYS_MAX];
    size_t keys_count;
    const char *entity_kind; /* the join keys in declared order, joined by ',': features.entity.kind */
    int64_t ttl_s;           /* older values are not served; 0: never too old */
    FeatureSource source;
    const Feature *features;
    size_t features_count;
    uint32_t schema_hash; /* of name, version, keys and features with their types, in order */
    json_t *declaration;  /* owned by the FeatureViews */
} FeatureView;

typedef struct FeatureViews {
    Arena *arena;
    FeatureView *items; /* stay where they are when more are loaded */
    size_t count;
} FeatureViews;

/* The .json files of views/, embedded at build time, and the .sql files beside them. */
typedef struct FeatureQuery {
    const char *name; /* "runner_supply.sql" */
    const char *sql;
} FeatureQuery;
extern const char *const feature_view_declarations[];
extern const size_t feature_view_declarations_count;
extern const FeatureQuery feature_view_queries[];
extern const size_t feature_view_queries_count;

/* Reads `count` declarations. MALFORMED or UNPROCESSABLE names the declaration and the field. The texts are copied.
 * Queries are looked for among the embedded ones. */
bool feature_views_load(const char *const *declarations, size_t count, FeatureViews *ret_views, Error *err) MUST_CHECK;
/* Adds the declarations of the folder's files *.json, in the order of their names; queries are files beside them. A
 * broken file is an error that names it, the field and what is wrong; `views` is then as it was. */
bool feature_views_load_folder(const char *folder, FeatureViews *views, Error *err) MUST_CHECK;
void feature_views_fini(FeatureViews *views); /* accepts a zeroed one */

/* The view with that name and version; version 0: the newest. NULL when there is none. */
const FeatureView *feature_views_find(const FeatureViews *views, const char *name, size_t name_length, int64_t version);
/* Index of the feature, or -1. */
int feature_view_index(const FeatureView *view, const char *feature);
/* Whether rows of the view are kept: all but those computed on demand. */
bool feature_view_is_stored(const FeatureView *view);
/* "int64", "float64", "bool", "string", "timestamp" */
const char *feature_type_name(FeatureType type);
