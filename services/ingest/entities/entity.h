/* Things of the company's databases (customers, products, branches, runners, ...) as tables of the warehouse, as a
 * mapping file declares them: docs/sources.md describes the file. Pure. */
#pragma once

#include <stddef.h>
#include "common/arena.h"
#include "common/hour.h"

enum {
    ENTITIES_MAX = 64,
    ENTITY_COLUMNS_MAX = 64,
    ENTITY_NAME_MAX_BYTES = 48,
    ENTITY_CHILDREN_MAX = 16,
    ENTITY_KEY_COLUMNS_MAX = 8,
    ENTITY_ONE_OF_MAX = 1000,
    ENTITY_VALUE_MAX_BYTES = 1 << 20, /* of one column */
    ENTITY_KEY_MAX_BYTES = 1024,      /* of all key columns of a row together: an index holds them */
    ENTITY_MAPPING_MAX_BYTES = 4 << 20,
};

typedef enum EntityType {
    ENTITY_TEXT,
    ENTITY_INTEGER, /* bigint */
    ENTITY_REAL,    /* double precision */
    ENTITY_DECIMAL, /* numeric */
    ENTITY_BOOLEAN,
    ENTITY_INSTANT, /* timestamptz */
    ENTITY_DATE,
    ENTITY_JSON, /* jsonb */
} EntityType;

typedef struct EntityColumn {
    const char *name; /* of the column in the warehouse */
    const char
        *from; /* column of the source's table, or path in the document: "vehicle.kind", "location.coordinates.1" */
    const char *description;
    EntityType type;
    bool key;
    bool required;                   /* rule: not null; always of a key */
    bool personal;                   /* kept apart, in schema personal, without history */
    const char *references;          /* rule: key of a row of this entity; NULL: none */
    const char *minimum, *maximum;   /* rule, decimal text; NULL: none */
    const char *const *one_of;       /* rule, NULL-terminated; NULL: any value */
    const struct Entity *referenced; /* the entity that `references` names */
} EntityColumn;

typedef struct Entity Entity;
typedef struct EntityMapping EntityMapping;
struct Entity {
    const char *name; /* table core.<name> */
    const char *from; /* "schema.table" or collection; of a child: path of the array in its parent's document */
    const char *description, *owner;
    const char *updated_at; /* source column or path that tells when a thing changed last; NULL for children */
    const char *subject;    /* column with the id of the customer that it is about; NULL: about none */
    /* Columns with latitude and longitude of a branch, whose id is the only key: orders without coordinates take these.
     * NULL: it locates nothing. */
    const char *latitude, *longitude;
    const Entity *parent; /* NULL: not a child. The key of a child is its parent's key columns, then "position" */
    EntityColumn *columns;
    size_t columns_count; /* without the key of a child */
    Entity *children;
    size_t children_count;
    const EntityMapping *mapping; /* that it is part of; of an entity and of a child */
};

struct EntityMapping {
    const char *source; /* "company-sql" */
    const char *version;
    Entity *entities; /* in an order in which what is referred to comes first */
    size_t entities_count;
};

/* Reads a mapping file's text into the arena. MALFORMED or UNPROCESSABLE names `file_name`, place and what is allowed:
 * names must be fit for SQL, every table and column needs a description, references must be known. */
bool entity_mapping_parse(const char *json, size_t length_bytes, const char *file_name, Arena *arena,
                          EntityMapping *ret_mapping, Error *err) MUST_CHECK;
/* Reads the file, or `embedded` when `path` is empty: a text of this program, for errors called `embedded_name`. */
bool entity_mapping_load(const char *path, const char *embedded, const char *embedded_name, Arena *arena,
                         EntityMapping *ret_mapping, Error *err) MUST_CHECK;

/* The mappings that ship with the program, embedded at build time (services/ingest/mappings). */
extern const char entity_mapping_company_sql[], entity_mapping_company_documents[];

/* NULL when there is none; children count too. */
const Entity *entity_find(const EntityMapping *mapping, const char *name);
/* Index of the column, or -1. */
int entity_column_index(const Entity *entity, const char *name);
/* "text", "integer", ...: as in a mapping file. */
const char *entity_type_name(EntityType type);

/* A value of a column in the text form that Postgres reads; NULL: null. */
typedef const char *EntityValue;
/* The source did not send the value since it did not change (pgoutput's "unchanged TOAST"): the present one stays. */
extern const char entity_value_unchanged[];

typedef struct EntityRow {
    EntityValue *values; /* one for each column of the entity */
    const char *extra;   /* JSON object of fields that the mapping does not name; NULL: none */
} EntityRow;

/* The items of one child array. */
typedef struct EntityRows {
    EntityRow *rows;
    size_t count;
} EntityRows;

typedef enum EntityChangeKind { ENTITY_PUT, ENTITY_DELETE } EntityChangeKind;

/* One thing as it is from `valid_from` on. */
typedef struct EntityChange {
    const Entity *entity; /* never a child */
    EntityChangeKind kind;
    Instant valid_from;   /* when the source says it changed; INSTANT_NONE: when it is recorded */
    EntityRow row;        /* of a deletion only the key columns count */
    EntityRows *children; /* one for each child of the entity, replaced as a whole; NULL: none */
    /* What could not be read, "column: why" with line breaks between: the row goes to quarantine. NULL: all was read.
     */
    const char *problems;
    const char *original; /* as received, JSON; for the quarantine and replays */
    /* The store's: it was about an erased customer, so that it is stripped and never goes to quarantine. */
    bool subject_erased;
} EntityChange;
