/* The free connections of a pool: taken by whoever waits for one, the last one given back first, so that the others may
 * rest. Thread-safe. */
#pragma once

#include <pthread.h>
#include <stdint.h>

/* First member of what the list holds. */
typedef struct FreeItem {
    struct FreeItem *next;
} FreeItem;

typedef struct FreeList {
    pthread_mutex_t lock;
    pthread_cond_t freed;
    FreeItem *first;
    unsigned taken;
} FreeList;

void free_list_init(FreeList *list);
/* All items must be back. */
void free_list_fini(FreeList *list);
/* Adds an item that the list did not have before. */
void free_list_add(FreeList *list, FreeItem *item);
/* Waits for an item until that time of clock_monotonic_ms(); NULL when none came free. */
FreeItem *free_list_take(FreeList *list, int64_t until_ms);
void free_list_give_back(FreeList *list, FreeItem *item);
