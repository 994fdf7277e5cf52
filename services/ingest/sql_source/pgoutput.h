/* What Postgres' logical decoding sends with its plugin pgoutput, protocol version 1. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "common/arena.h"
#include "common/hour.h"

/* Position in the log of a Postgres server. */
typedef uint64_t Lsn;

enum { LSN_TEXT_MAX = 24, PGOUTPUT_COLUMNS_MAX = 1664, PGOUTPUT_NAME_MAX_BYTES = 256 };

/* "0/16B3748" */
size_t lsn_format(Lsn lsn, char out[LSN_TEXT_MAX]);
/* Parses from the start of the text; *ret_rest, which may be NULL, is what follows. False when it is none. */
bool lsn_parse(const char *text, Lsn *ret_lsn, const char **ret_rest) MUST_CHECK;

typedef enum PgoutputKind {
    PGOUTPUT_BEGIN,
    PGOUTPUT_COMMIT,
    PGOUTPUT_RELATION,
    PGOUTPUT_INSERT,
    PGOUTPUT_UPDATE,
    PGOUTPUT_DELETE,
    PGOUTPUT_TRUNCATE,
    PGOUTPUT_OTHER, /* of no consequence to the rows: origin, type, message */
} PgoutputKind;

/* The source did not send the value, which did not change (a large one, stored out of line). */
extern const char pgoutput_unchanged[];

typedef struct PgoutputRow {
    size_t count;        /* 0: the message has no such row */
    const char **values; /* text; NULL: null; or pgoutput_unchanged */
} PgoutputRow;

typedef struct PgoutputColumn {
    const char *name;
    uint32_t type_oid;
    bool is_identity; /* part of what old rows are told by */
} PgoutputColumn;

typedef struct PgoutputMessage {
    PgoutputKind kind;
    Lsn lsn; /* BEGIN: where its commit is, which names the transaction; COMMIT: where the next may start */
    Instant committed_at;          /* BEGIN, COMMIT */
    uint32_t relation_id;          /* RELATION, INSERT, UPDATE, DELETE */
    const char *schema, *table;    /* RELATION */
    const PgoutputColumn *columns; /* RELATION */
    size_t columns_count;
    bool old_is_whole;        /* UPDATE, DELETE: the old row has all columns, not only those of the identity */
    PgoutputRow old_row, row; /* UPDATE sends the old one only when the identity changed, or when it is the whole row */
    const uint32_t *truncated; /* TRUNCATE: relations */
    size_t truncated_count;
} PgoutputMessage;

/* Reads one message; all it points to is in the arena. MALFORMED says at which byte it is not what it should be. */
bool pgoutput_read(const void *data, size_t length_bytes, Arena *arena, PgoutputMessage *ret_message,
                   Error *err) MUST_CHECK;
