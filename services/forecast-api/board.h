/* The snapshot on show. Readers take it without waiting for anyone; writers put up another, and the one taken down is
 * destroyed when its last reader is gone. */
#pragma once

#include "services/forecast-api/snapshot.h"

typedef struct Board Board;

Board *board_new(const ServingPolicy *policy);
void board_free(Board *board); /* accepts NULL; no readers left */

/* Joins the parts for the hour it is now and shows that. Takes references of its own. */
void board_show(Board *board, const SnapshotParts *parts);
/* Shows the same parts from the next hour on, if an hour has begun since. Needs no server. */
void board_turn(Board *board);

/* Only between reclaim_enter() and reclaim_leave(), and valid until then. NULL before the first board_show(). */
Snapshot *board_peek(const Board *board);
/* For longer use: let go with shared_unref(). NULL before the first board_show(). */
Snapshot *board_hold(const Board *board);

/* The first whole hour that has not begun: where answers start. HOUR_NONE while the time is not known. */
Hour board_first_hour(Instant now);
