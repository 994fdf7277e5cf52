#include "services/forecast-api/board.h"

#include <pthread.h>
#include <stdlib.h>
#include "common/clock.h"
#include "services/forecast-api/reclaim.h"

struct Board {
    Snapshot *_Atomic current;
    pthread_mutex_t writers;
    ServingPolicy policy;
};

Board *board_new(const ServingPolicy *policy)
{
    Board *board = calloc(1, sizeof *board);
    if (board == NULL)
        abort();
    board->policy = *policy;
    pthread_mutex_init(&board->writers, NULL);
    return board;
}

void board_free(Board *board)
{
    if (board == NULL)
        return;
    shared_unref(atomic_load(&board->current));
    reclaim_collect();
    pthread_mutex_destroy(&board->writers);
    free(board);
}

Hour board_first_hour(Instant now)
{
    return now == INSTANT_NONE ? HOUR_NONE : hour_of(now + INSTANT_PER_HOUR - 1);
}

static void swap(Board *board, const SnapshotParts *parts)
{
    Snapshot *before = atomic_load(&board->current);
    Snapshot *snapshot = snapshot_new(parts, &board->policy, board_first_hour(clock_now()));
    if (before != NULL)
        snapshot_adopt_bodies(snapshot, before);
    atomic_store(&board->current, snapshot);
    if (before != NULL)
        reclaim_retire(before, shared_unref);
}

void board_show(Board *board, const SnapshotParts *parts)
{
    pthread_mutex_lock(&board->writers);
    swap(board, parts);
    pthread_mutex_unlock(&board->writers);
    reclaim_collect();
}

void board_turn(Board *board)
{
    pthread_mutex_lock(&board->writers);
    const Snapshot *shown = atomic_load(&board->current);
    if (shown != NULL && shown->first_hour != board_first_hour(clock_now()))
        swap(board, &shown->parts);
    pthread_mutex_unlock(&board->writers);
    reclaim_collect();
}

Snapshot *board_peek(const Board *board)
{
    return atomic_load(&board->current);
}

Snapshot *board_hold(const Board *board)
{
    reclaim_enter();
    Snapshot *snapshot = board_peek(board);
    if (snapshot != NULL)
        shared_ref(&snapshot->shared);
    reclaim_leave();
    return snapshot;
}
