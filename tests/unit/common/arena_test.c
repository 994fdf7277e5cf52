#include <criterion/criterion.h>

#include <signal.h>
#include <stdint.h>
#include <string.h>

#include "common/arena.h"

Test(arena, memory_is_aligned_and_apart)
{
    ARENA_SCOPED Arena *arena = arena_new();
    char *before = NULL;
    for (size_t size = 1; size < 5000; size += 37) {
        char *memory = arena_alloc(arena, size);
        cr_assert_eq((uintptr_t)memory % 16, 0);
        memset(memory, (int)size, size);
        if (before != NULL)
            cr_assert_eq((unsigned char)before[0], (unsigned char)(size - 37));
        before = memory;
    }
}

Test(arena, large_allocations_have_their_own_block)
{
    ARENA_SCOPED Arena *arena = arena_new();
    char *large = arena_zalloc(arena, 10 << 20);
    cr_assert_eq(large[(10 << 20) - 1], 0);
    cr_assert_eq(arena_used_bytes(arena), 10 << 20);
}

Test(arena, reset_forgets_and_reuses)
{
    ARENA_SCOPED Arena *arena = arena_new();
    void *first = arena_alloc(arena, 100);
    arena_alloc(arena, 100000);
    arena_reset(arena);
    cr_assert_eq(arena_used_bytes(arena), 0);
    cr_assert_eq(arena_alloc(arena, 100), first);
}

Test(arena, texts)
{
    ARENA_SCOPED Arena *arena = arena_new();
    cr_assert_str_eq(arena_strdup(arena, "geo"), "geo");
    cr_assert_str_eq(arena_strndup(arena, "geography", 3), "geo");
    cr_assert_str_eq(arena_printf(arena, "%s-%d", "geo", 7), "geo-7");
    cr_assert_str_eq(arena_strndup(arena, NULL, 0), "");
}

Test(arena, arrays_are_zeroed)
{
    ARENA_SCOPED Arena *arena = arena_new();
    memset(arena_alloc(arena, 1000), 0xFF, 1000);
    arena_reset(arena);
    const int64_t *values = arena_array(arena, 100, sizeof(*values));
    for (size_t i = 0; i < 100; i++)
        cr_assert_eq(values[i], 0);
}

Test(arena, an_array_too_large_to_count_aborts, .signal = SIGABRT)
{
    ARENA_SCOPED Arena *arena = arena_new();
    arena_array(arena, SIZE_MAX / 2, 16);
}

Test(arena, free_accepts_null)
{
    arena_free(NULL);
}
