/* Runs a fuzz target without libFuzzer.
 *   NAME_fuzz                 on its seeds
 *   NAME_fuzz FILE...         on these files
 *   NAME_fuzz --seeds FOLDER  writes the seeds into the folder instead */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/fuzz/fuzz.h"

static const char *folder;
static unsigned seeds;

/* In memory of exactly that size, so that ASan sees reads past the end. */
static void run(const void *bytes, size_t length_bytes)
{
    uint8_t *copy = malloc(length_bytes);
    if (length_bytes > 0)
        memcpy(copy, bytes, length_bytes);
    LLVMFuzzerTestOneInput(copy, length_bytes);
    free(copy);
    seeds++;
}

static FILE *open_file(const char *path, const char *mode)
{
    FILE *file = fopen(path, mode);
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    return file;
}

static void write_seed(const void *bytes, size_t length_bytes)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/seed-%u", folder, seeds++);
    FILE *file = open_file(path, "wb");
    fwrite(bytes, 1, length_bytes, file);
    if (fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

static void run_file(const char *path)
{
    static uint8_t bytes[1 << 22];
    FILE *file = open_file(path, "rb");
    size_t length_bytes = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    run(bytes, length_bytes);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--seeds") == 0) {
        folder = argv[2];
        fuzz_seeds(write_seed);
    } else if (argc == 1) {
        fuzz_seeds(run);
    }
    for (int i = 1; i < argc && folder == NULL; i++)
        run_file(argv[i]);
    return seeds > 0 ? 0 : 1;
}
