#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include "services/forecast-api/reclaim.h"

TestSuite(reclaim);

static atomic_int destroyed;

static void count(void *object)
{
    free(object);
    atomic_fetch_add(&destroyed, 1);
}

Test(reclaim, keeps_what_a_reader_may_see)
{
    reclaim_enter();
    reclaim_retire(malloc(1), count);
    reclaim_leave();
    reclaim_collect();
    cr_assert_eq(destroyed, 1);
}

typedef struct Value {
    int a, b;
} Value;

enum { WRITES = 20000, READERS = 3 };
static Value *_Atomic current;
static atomic_bool done;

static Value *value_new(int number)
{
    Value *value = malloc(sizeof *value);
    *value = (Value){number, -number};
    return value;
}

static void spoil(void *object)
{
    Value *value = object;
    value->a = value->b = 1;
    count(object);
}

static void *read_values(void *mixed)
{
    while (!atomic_load(&done)) {
        reclaim_enter();
        const Value *value = atomic_load(&current);
        if (value->a + value->b != 0)
            atomic_store((atomic_bool *)mixed, true);
        reclaim_leave();
    }
    return NULL;
}

Test(reclaim, readers_never_see_what_was_destroyed)
{
    atomic_bool mixed = false;
    pthread_t readers[READERS];
    atomic_store(&current, value_new(0));
    for (int i = 0; i < READERS; i++)
        pthread_create(&readers[i], NULL, read_values, &mixed);
    for (int i = 1; i <= WRITES; i++) {
        reclaim_retire(atomic_exchange(&current, value_new(i)), spoil);
        if (i % 16 == 0)
            reclaim_collect();
    }
    atomic_store(&done, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    reclaim_collect();
    cr_assert_not(mixed);
    cr_assert_eq(destroyed, WRITES);
    free(atomic_load(&current));
}
