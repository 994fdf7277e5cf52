/* The champion of each volume class, chosen by the backtest: one blend for the mean by its squared error, one for the
 * quantiles by their pinball loss. */
#pragma once

#include "services/trainer/forecasting/backtest.h"
#include "services/trainer/forecasting/forecaster_tables.h"

/* For want of a backtest: equal parts, dispersions of the series themselves. */
void selection_default(ForecasterTables *ret_tables);
/* Fits weights and quantiles, scores every blend, chooses. Fills the prospects' expectations as it goes. */
void selection_fit(Backtest *backtest, Arena *arena, ForecasterTables *ret_tables);
