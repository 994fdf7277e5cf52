/* Arrays as statement parameters: the text '{1,2,3}' that the SQL casts to the array it wants. */
#pragma once

#include "common/buffer.h"
#include "common/arena.h"

enum { SQL_ARRAY_MAX_BYTES = 64 << 20 };

/* Text in the arena of `count` items, each printed by `format` from `value`, an expression of the index `i`. Items must
 * need no quoting. */
#define SQL_ARRAY(arena, count, format, value)                                                                         \
    __extension__({                                                                                                    \
        Buffer array_;                                                                                                 \
        buffer_init(&array_, SQL_ARRAY_MAX_BYTES);                                                                     \
        buffer_append_char(&array_, '{');                                                                              \
        for (size_t i = 0; i < (count); i++)                                                                           \
            buffer_printf(&array_, i == 0 ? format : "," format, value);                                               \
        buffer_append_char(&array_, '}');                                                                              \
        const char *text_ = arena_strndup(arena, array_.data, array_.length_bytes);                                    \
        buffer_fini(&array_);                                                                                          \
        text_;                                                                                                         \
    })
