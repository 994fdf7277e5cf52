#include "cli/random.h"

#include <math.h>

static const uint64_t golden = UINT64_C(0x9E3779B97F4A7C15);

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

Random random_stream(uint64_t seed, uint64_t stream, uint64_t item)
{
    return (Random){mix(mix(seed + golden) ^ mix(stream * golden + 1) ^ mix(item + 2 * golden))};
}

uint64_t random_next(Random *random)
{
    random->state += golden;
    return mix(random->state);
}

double random_uniform(Random *random)
{
    return (double)(random_next(random) >> 11) * 0x1p-53;
}

uint32_t random_below(Random *random, uint32_t limit)
{
    return (uint32_t)(random_uniform(random) * limit);
}

double random_normal(Random *random)
{
    double radius = sqrt(-2 * log(1 - random_uniform(random)));
    return radius * cos(2 * M_PI * random_uniform(random));
}

double random_exponential(Random *random, double mean)
{
    return -mean * log(1 - random_uniform(random));
}

uint32_t random_poisson(Random *random, double mean)
{
    if (mean <= 0)
        return 0;
    if (mean >= 64) {
        double draw = round(mean + sqrt(mean) * random_normal(random));
        return draw > 0 ? (uint32_t)draw : 0;
    }
    double limit = exp(-mean), product = random_uniform(random);
    uint32_t count = 0;
    while (product > limit) {
        product *= random_uniform(random);
        count++;
    }
    return count;
}
