/* The keys of the most recent events: a set of fixed size that forgets the oldest ones. It only decides which way an
 * event takes into the database; whether it is a duplicate is decided by the primary key there. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct DedupeWindow DedupeWindow;

/* Remembers at least the last `capacity` keys and at most twice as many. */
DedupeWindow *dedupe_window_new(size_t capacity);
void dedupe_window_free(DedupeWindow *window); /* accepts NULL */
void dedupe_window_clear(DedupeWindow *window);
/* Remembers the hash (not 0). True when it was remembered already, or another key has the same hash. */
bool dedupe_window_add(DedupeWindow *window, uint64_t hash);
size_t dedupe_window_bytes(const DedupeWindow *window);
