/* Groups of series that are trained and forecast together: each is an independent run of the forecasting pipeline, so
 * that the leaf totals are what `rushcast backtest` computes from the same counts. */
#pragma once

typedef enum SeriesGroup {
    SERIES_TOTAL,      /* all orders of the leaf geos */
    SERIES_PARENTS,    /* all orders of the cities and of `all` */
    SERIES_RESTAURANT, /* restaurant orders of the leaf geos */
    SERIES_GOODS,      /* goods orders of the leaf geos */
    SERIES_GROUPS,
} SeriesGroup;

/* "total", ...: the name in the registry. */
const char *series_group_name(SeriesGroup group);
/* The vertical its series count, NULL for all orders. */
const char *series_group_vertical(SeriesGroup group);
