/* Repeatable random numbers: SplitMix64 (Steele, Lea & Flood, "Fast splittable pseudorandom number generators", 2014)
 * and the distributions drawn from it. */
#pragma once

#include <stdint.h>

typedef struct Random {
    uint64_t state;
} Random;

/* A stream of its own for each (seed, stream, item). */
Random random_stream(uint64_t seed, uint64_t stream, uint64_t item);
uint64_t random_next(Random *random);
double random_uniform(Random *random);                 /* [0, 1) */
uint32_t random_below(Random *random, uint32_t limit); /* 0 .. limit - 1 */
double random_normal(Random *random);                  /* Box-Muller */
double random_exponential(Random *random, double mean);
/* Knuth's product method for small means, the normal approximation from 64 on. */
uint32_t random_poisson(Random *random, double mean);
