/* Immutable objects with several owners: embed as the first member. The last owner to let go destroys it. */
#pragma once

#include <stdatomic.h>
#include <stddef.h>

typedef struct Shared {
    atomic_uint references;
    void (*destroy)(void *object);
} Shared;

static inline void shared_init(Shared *shared, void (*destroy)(void *object))
{
    atomic_init(&shared->references, 1);
    shared->destroy = destroy;
}

/* Only while another reference is known to be held. */
static inline void shared_ref(Shared *shared)
{
    atomic_fetch_add_explicit(&shared->references, 1, memory_order_relaxed);
}

/* Accepts NULL. Takes void * so that it serves as a destructor and accepts the embedding object. */
static inline void shared_unref(void *object)
{
    Shared *shared = object;
    if (shared != NULL && atomic_fetch_sub_explicit(&shared->references, 1, memory_order_acq_rel) == 1)
        shared->destroy(object);
}
