#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include "cli/random.h"

enum { DRAWS = 20000 };

Test(random, a_stream_repeats_and_differs_from_others)
{
    Random a = random_stream(1, 2, 3), b = random_stream(1, 2, 3), c = random_stream(1, 2, 4);
    uint64_t first = random_next(&a);
    cr_assert(eq(u64, first, random_next(&b)));
    cr_assert(ne(u64, first, random_next(&c)));
}

Test(random, poisson_has_its_mean_and_variance_on_both_sides_of_the_approximation)
{
    const double means[] = {0.3, 5, 80};
    for (size_t i = 0; i < sizeof means / sizeof *means; i++) {
        Random random = random_stream(9, i, 0);
        double sum = 0, squares = 0;
        for (int draw = 0; draw < DRAWS; draw++) {
            double count = random_poisson(&random, means[i]);
            sum += count;
            squares += count * count;
        }
        double mean = sum / DRAWS, variance = squares / DRAWS - mean * mean;
        cr_assert(epsilon_eq(dbl, mean, means[i], 0.05 * means[i]));
        cr_assert(epsilon_eq(dbl, variance, means[i], 0.08 * means[i]));
    }
    Random random = random_stream(1, 1, 1);
    cr_assert(eq(u32, random_poisson(&random, 0), 0));
}

Test(random, uniform_stays_in_range)
{
    Random random = random_stream(4, 4, 4);
    for (int draw = 0; draw < DRAWS; draw++) {
        double value = random_uniform(&random);
        cr_assert(value >= 0 && value < 1);
        cr_assert(lt(u32, random_below(&random, 7), 7));
    }
}
