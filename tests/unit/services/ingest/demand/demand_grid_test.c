#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "services/ingest/demand/demand_grid.h"

static const DemandGeo geos[] = {{7, "a"}, {3, "b"}, {9, "c"}};

static void emit(void *context, const DemandGeo *geo, Hour hour, int64_t count)
{
    char *text = context;
    sprintf(text + strlen(text), "%s%d=%d ", geo->geo, hour, (int)count);
}

Test(demand_grid, says_the_zeros)
{
    char text[256] = "";
    DemandGrid grid = {
        .geos = geos, .geos_count = 3, .from = 10, .to = 13, .hour_at = 10, .emit = emit, .context = text};
    demand_grid_put(&grid, 7, 11, 5);
    demand_grid_put(&grid, 9, 10, 2);
    demand_grid_put(&grid, 9, 12, 4);
    demand_grid_end(&grid);
    cr_assert_str_eq(text, "a10=0 a11=5 a12=0 b10=0 b11=0 b12=0 c10=2 c11=0 c12=4 ");
}

Test(demand_grid, ignores_what_is_outside)
{
    char text[256] = "";
    DemandGrid grid = {
        .geos = geos, .geos_count = 1, .from = 10, .to = 12, .hour_at = 10, .emit = emit, .context = text};
    demand_grid_put(&grid, 7, 9, 5);
    demand_grid_put(&grid, 7, 12, 5);
    demand_grid_put(&grid, 9, 11, 5);
    demand_grid_end(&grid);
    cr_assert_str_eq(text, "a10=0 a11=0 ");
}

Test(demand_grid, an_empty_span_has_no_rows)
{
    char text[256] = "";
    DemandGrid grid = {
        .geos = geos, .geos_count = 3, .from = 10, .to = 10, .hour_at = 10, .emit = emit, .context = text};
    demand_grid_end(&grid);
    cr_assert_str_eq(text, "");
}
