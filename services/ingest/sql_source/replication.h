/* A connection that receives the source's changes by Postgres' streaming replication protocol. Whoever works on what
 * was received may take long: a thread of its own tells the server meanwhile that we are alive. */
#pragma once

#include "services/ingest/sql_source/pgoutput.h"
#include "services/ingest/sql_source/source_connection.h"

typedef struct Replication Replication;

enum { REPLICATION_HEARTBEAT_MS = 5000, REPLICATION_SYSTEM_MAX_BYTES = 24, REPLICATION_SNAPSHOT_MAX_BYTES = 64 };

bool replication_open(const char *conninfo, Replication **ret_replication, Error *err) MUST_CHECK;
void replication_close(Replication *replication); /* accepts NULL */

/* The number of the source's server, which a copy restored elsewhere shares and a new one does not. */
bool replication_identify(Replication *replication, char ret_system[REPLICATION_SYSTEM_MAX_BYTES],
                          Error *err) MUST_CHECK;
/* Makes the slot. Until the next command on this connection, the tables can be read as they were at *ret_lsn in a
 * transaction of another connection that sets the snapshot. */
bool replication_create_slot(Replication *replication, const char *slot, Lsn *ret_lsn,
                             char ret_snapshot[REPLICATION_SNAPSHOT_MAX_BYTES], Error *err) MUST_CHECK;
/* NOT_FOUND; CONFLICT while it is in use. */
bool replication_drop_slot(Replication *replication, const char *slot, Error *err) MUST_CHECK;
/* All that was committed from `from` on. CONFLICT while the slot is in use. */
bool replication_start(Replication *replication, const char *slot, const char *publication, Lsn from,
                       Error *err) MUST_CHECK;

typedef struct ReplicationData {
    const char *data; /* a message of pgoutput; NULL: none came */
    size_t length_bytes;
    Lsn log_end; /* without data: all before this was sent; 0: nothing is known */
} ReplicationData;

/* The next message, waiting for it up to wait_ms. It stays until the next call. */
bool replication_receive(Replication *replication, int wait_ms, ReplicationData *ret_data, Error *err) MUST_CHECK;
/* All before `flushed` is recorded and never needed again: the source may forget it. Told to the server at the latest
 * with the next heartbeat. */
void replication_confirm(Replication *replication, Lsn flushed);
