/* A fuzz target: one input, and the inputs to begin from. Built twice: by clang with libFuzzer (make test-deep), and
 * with driver.c into a program that runs the seeds (make test). */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* libFuzzer's entry. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length_bytes);

typedef void FuzzTake(const void *bytes, size_t length_bytes);
/* Calls `take` with each seed. */
void fuzz_seeds(FuzzTake *take);
/* The same for a table of texts, without their ends. */
void fuzz_take_texts(const char *const *texts, size_t count, FuzzTake *take);

/* Puts the bytes into a file in memory, the same one each time, and returns its path. */
const char *fuzz_file(const uint8_t *data, size_t length_bytes);
