/* Memory for one request, batch or job: allocated piece by piece, freed all at once. Running out of memory ends the
 * process; limits are put on inputs, where they can be reported. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include "common/error.h"

typedef struct Arena Arena;

Arena *arena_new(void);
void arena_free(Arena *arena); /* accepts NULL */
/* Forgets all allocations and keeps the first block for the next use. */
void arena_reset(Arena *arena);

/* 16-byte aligned; arena_alloc's memory is not cleared, arena_zalloc's is. Never NULL. */
void *arena_alloc(Arena *arena, size_t size_bytes);
void *arena_zalloc(Arena *arena, size_t size_bytes);
/* Zeroed array; aborts when count * size overflows. */
void *arena_array(Arena *arena, size_t count, size_t item_size_bytes);
char *arena_strdup(Arena *arena, const char *text);
char *arena_strndup(Arena *arena, const char *text, size_t length_bytes);
char *arena_printf(Arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
/* Bytes handed out since the last reset. */
size_t arena_used_bytes(const Arena *arena);

void arena_cleanup(Arena **arena);
#define ARENA_SCOPED __attribute__((cleanup(arena_cleanup)))
