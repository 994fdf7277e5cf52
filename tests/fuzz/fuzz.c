#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void fuzz_take_texts(const char *const *texts, size_t count, FuzzTake *take)
{
    for (size_t i = 0; i < count; i++)
        take(texts[i], strlen(texts[i]));
}

const char *fuzz_file(const uint8_t *data, size_t length_bytes)
{
    static char path[64];
    static int file = -1;
    if (file < 0) {
        file = memfd_create("fuzz", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    if (file < 0 || ftruncate(file, 0) != 0 || pwrite(file, data, length_bytes, 0) != (ssize_t)length_bytes)
        abort();
    return path;
}
