#include "services/ingest/orders/dedupe_window.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Open addressing, half full at most. */
typedef struct Generation {
    uint64_t *slots;
    size_t count;
} Generation;

/* The younger generation fills up, then takes the place of the elder, which is forgotten. */
struct DedupeWindow {
    size_t capacity, slots_count;
    Generation generations[2];
    int younger;
};

DedupeWindow *dedupe_window_new(size_t capacity)
{
    assert(capacity > 0);
    DedupeWindow *window = calloc(1, sizeof *window);
    if (!window)
        abort();
    window->capacity = capacity;
    window->slots_count = 16;
    while (window->slots_count < capacity * 2)
        window->slots_count *= 2;
    for (int i = 0; i < 2; i++) {
        window->generations[i].slots = calloc(window->slots_count, sizeof(uint64_t));
        if (!window->generations[i].slots)
            abort();
    }
    return window;
}

void dedupe_window_free(DedupeWindow *window)
{
    if (!window)
        return;
    for (int i = 0; i < 2; i++)
        free(window->generations[i].slots);
    free(window);
}

static void generation_clear(const DedupeWindow *window, Generation *generation)
{
    memset(generation->slots, 0, window->slots_count * sizeof(uint64_t));
    generation->count = 0;
}

void dedupe_window_clear(DedupeWindow *window)
{
    for (int i = 0; i < 2; i++)
        generation_clear(window, &window->generations[i]);
}

/* The slot that holds the hash, or the empty one it belongs in. */
static uint64_t *generation_slot(const DedupeWindow *window, const Generation *generation, uint64_t hash)
{
    size_t at = hash & (window->slots_count - 1);
    while (generation->slots[at] && generation->slots[at] != hash)
        at = (at + 1) & (window->slots_count - 1);
    return &generation->slots[at];
}

bool dedupe_window_add(DedupeWindow *window, uint64_t hash)
{
    assert(hash);
    Generation *younger = &window->generations[window->younger];
    const Generation *elder = &window->generations[!window->younger];
    uint64_t *slot = generation_slot(window, younger, hash);
    if (*slot)
        return true;
    bool known = *generation_slot(window, elder, hash) != 0;
    *slot = hash;
    if (++younger->count == window->capacity) {
        window->younger = !window->younger;
        generation_clear(window, &window->generations[window->younger]);
    }
    return known;
}

size_t dedupe_window_bytes(const DedupeWindow *window)
{
    return 2 * window->slots_count * sizeof(uint64_t);
}
