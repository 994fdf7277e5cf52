#include "common/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_FIRST_BLOCK_BYTES = 4096, ARENA_BLOCK_MAX_BYTES = 1 << 20, ARENA_ALIGN_BYTES = 16 };

typedef struct Block {
    struct Block *next; /* older one */
    size_t size_bytes, used_bytes;
    alignas(ARENA_ALIGN_BYTES) char data[];
} Block;

struct Arena {
    Block *newest;
    Block *first; /* kept by arena_reset() */
    size_t used_bytes;
};

static void *must_malloc(size_t size_bytes)
{
    void *memory = malloc(size_bytes);
    if (memory == NULL) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return memory;
}

static Block *block_new(size_t size_bytes, Block *next)
{
    Block *block = must_malloc(sizeof(Block) + size_bytes);
    block->next = next;
    block->size_bytes = size_bytes;
    block->used_bytes = 0;
    return block;
}

Arena *arena_new(void)
{
    Arena *arena = must_malloc(sizeof(*arena));
    arena->first = block_new(ARENA_FIRST_BLOCK_BYTES, NULL);
    arena->newest = arena->first;
    arena->used_bytes = 0;
    return arena;
}

void arena_reset(Arena *arena)
{
    while (arena->newest != arena->first) {
        Block *block = arena->newest;
        arena->newest = block->next;
        free(block);
    }
    arena->first->used_bytes = 0;
    arena->used_bytes = 0;
}

void arena_free(Arena *arena)
{
    if (arena == NULL)
        return;
    arena_reset(arena);
    free(arena->first);
    free(arena);
}

void *arena_alloc(Arena *arena, size_t size_bytes)
{
    assert(size_bytes <= SIZE_MAX / 2);
    size_t rounded_bytes = (size_bytes + ARENA_ALIGN_BYTES - 1) & ~(size_t)(ARENA_ALIGN_BYTES - 1);
    Block *block = arena->newest;
    if (rounded_bytes > block->size_bytes - block->used_bytes) {
        size_t next_bytes = 2 * block->size_bytes;
        if (next_bytes > ARENA_BLOCK_MAX_BYTES)
            next_bytes = ARENA_BLOCK_MAX_BYTES;
        if (next_bytes < rounded_bytes)
            next_bytes = rounded_bytes;
        block = block_new(next_bytes, block);
        arena->newest = block;
    }
    void *memory = block->data + block->used_bytes;
    block->used_bytes += rounded_bytes;
    arena->used_bytes += size_bytes;
    return memory;
}

void *arena_zalloc(Arena *arena, size_t size_bytes)
{
    void *memory = arena_alloc(arena, size_bytes);
    memset(memory, 0, size_bytes);
    return memory;
}

void *arena_array(Arena *arena, size_t count, size_t item_size_bytes)
{
    size_t size_bytes;
    if (__builtin_mul_overflow(count, item_size_bytes, &size_bytes)) {
        fputs("array size overflows\n", stderr);
        abort();
    }
    return arena_zalloc(arena, size_bytes);
}

char *arena_strndup(Arena *arena, const char *text, size_t length_bytes)
{
    char *copy = arena_alloc(arena, length_bytes + 1);
    if (length_bytes > 0)
        memcpy(copy, text, length_bytes);
    copy[length_bytes] = '\0';
    return copy;
}

char *arena_strdup(Arena *arena, const char *text)
{
    return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(Arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(length >= 0);
    char *text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

size_t arena_used_bytes(const Arena *arena)
{
    return arena->used_bytes;
}

void arena_cleanup(Arena **arena)
{
    arena_free(*arena);
    *arena = NULL;
}
