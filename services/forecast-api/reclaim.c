#include "services/forecast-api/reclaim.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum { READER_THREADS_MAX = 1024, CACHE_LINE_BYTES = 64 };

typedef struct ReaderSlot {
    _Alignas(CACHE_LINE_BYTES) _Atomic uint64_t epoch; /* 0: outside */
    atomic_bool taken;
} ReaderSlot;

typedef struct Retired {
    struct Retired *next;
    void *object;
    void (*destroy)(void *object);
    uint64_t epoch;
} Retired;

static ReaderSlot slots[READER_THREADS_MAX];
static atomic_uint slots_used;
static _Atomic uint64_t current_epoch = 1;
static _Thread_local ReaderSlot *own_slot;

static pthread_key_t slot_key;
static pthread_once_t slot_key_once = PTHREAD_ONCE_INIT;

static pthread_mutex_t retired_lock = PTHREAD_MUTEX_INITIALIZER;
static Retired *retired_list;

static void slot_return(void *slot)
{
    atomic_store(&((ReaderSlot *)slot)->taken, false);
}

static void slot_key_make(void)
{
    if (pthread_key_create(&slot_key, slot_return) != 0)
        abort();
}

static ReaderSlot *slot_take(void)
{
    pthread_once(&slot_key_once, slot_key_make);
    for (unsigned i = 0; i < READER_THREADS_MAX; i++) {
        bool expected = false;
        if (!atomic_compare_exchange_strong(&slots[i].taken, &expected, true))
            continue;
        unsigned used = atomic_load(&slots_used);
        while (used <= i && !atomic_compare_exchange_weak(&slots_used, &used, i + 1))
            ;
        pthread_setspecific(slot_key, &slots[i]);
        return own_slot = &slots[i];
    }
    abort(); /* more threads than any configuration of event loops and blocking threads allows */
}

void reclaim_enter(void)
{
    ReaderSlot *slot = own_slot != NULL ? own_slot : slot_take();
    assert(atomic_load_explicit(&slot->epoch, memory_order_relaxed) == 0);
    /* Sequentially consistent: the store is visible before any published pointer is read. */
    atomic_store(&slot->epoch, atomic_load(&current_epoch));
}

void reclaim_leave(void)
{
    atomic_store_explicit(&own_slot->epoch, 0, memory_order_release);
}

void reclaim_retire(void *object, void (*destroy)(void *object))
{
    Retired *retired = malloc(sizeof *retired);
    if (retired == NULL)
        abort();
    *retired = (Retired){.object = object, .destroy = destroy};
    pthread_mutex_lock(&retired_lock);
    retired->epoch = atomic_fetch_add(&current_epoch, 1);
    retired->next = retired_list;
    retired_list = retired;
    pthread_mutex_unlock(&retired_lock);
}

static uint64_t oldest_reader(void)
{
    uint64_t oldest = UINT64_MAX;
    unsigned used = atomic_load(&slots_used);
    for (unsigned i = 0; i < used; i++) {
        uint64_t epoch = atomic_load(&slots[i].epoch);
        if (epoch != 0 && epoch < oldest)
            oldest = epoch;
    }
    return oldest;
}

void reclaim_collect(void)
{
    Retired *free_list = NULL;
    pthread_mutex_lock(&retired_lock);
    uint64_t oldest = oldest_reader();
    for (Retired **link = &retired_list; *link != NULL;) {
        Retired *retired = *link;
        if (retired->epoch >= oldest) {
            link = &retired->next;
            continue;
        }
        *link = retired->next;
        retired->next = free_list;
        free_list = retired;
    }
    pthread_mutex_unlock(&retired_lock);
    while (free_list != NULL) {
        Retired *retired = free_list;
        free_list = retired->next;
        retired->destroy(retired->object);
        free(retired);
    }
}
