#include <criterion/criterion.h>
#include "services/ingest/demand/demand_sums.h"

Test(demand_sums, adds_up_and_sorts)
{
    DemandSums *sums = demand_sums_new();
    demand_sums_add(sums, 2, 100, VERTICAL_GOODS, 1);
    demand_sums_add(sums, 1, 101, VERTICAL_GOODS, 1);
    demand_sums_add(sums, 1, 100, VERTICAL_UNKNOWN, 1);
    demand_sums_add(sums, 1, 100, VERTICAL_RESTAURANT, 1);
    demand_sums_add(sums, 1, 100, VERTICAL_RESTAURANT, 5);
    size_t count;
    const DemandSum *sum = demand_sums_sorted(sums, &count);
    cr_assert_eq(count, 4);
    cr_expect(sum[0].geo_id == 1 && sum[0].hour == 100 && sum[0].vertical == VERTICAL_RESTAURANT && sum[0].orders == 6);
    cr_expect(sum[1].geo_id == 1 && sum[1].hour == 100 && sum[1].vertical == VERTICAL_UNKNOWN && sum[1].orders == 1);
    cr_expect(sum[2].geo_id == 1 && sum[2].hour == 101);
    cr_expect(sum[3].geo_id == 2 && sum[3].hour == 100);
    demand_sums_free(sums);
}

Test(demand_sums, grows_and_goes_on_after_sorting)
{
    DemandSums *sums = demand_sums_new();
    size_t count;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 50000; i++)
            demand_sums_add(sums, i % 100, i / 100, VERTICAL_GOODS, 1);
        demand_sums_sorted(sums, &count);
        cr_assert_eq(count, 50000);
    }
    const DemandSum *sum = demand_sums_sorted(sums, &count);
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(sum[i].orders, 3);
    demand_sums_clear(sums);
    demand_sums_sorted(sums, &count);
    cr_assert_eq(count, 0);
    demand_sums_free(sums);
    demand_sums_free(NULL);
}
