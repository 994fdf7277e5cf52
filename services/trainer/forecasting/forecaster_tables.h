/* What a forecaster knows beside its booster: plain numbers without pointers, saved as they are. */
#pragma once

#include "services/trainer/forecasting/combination.h"

enum { MODELS = BLENDS, CHAMPION = BLENDS, SCORES = MODELS + 1 };

/* The blends that serve a volume class. */
typedef struct Choice {
    uint8_t mean, quantiles;
} Choice;

typedef struct ForecasterTables {
    BlendWeights weights[VOLUME_CLASSES];
    QuantileModel quantiles[SCORES]; /* of each blend and of the champion */
    ModelScore scores[SCORES];
    uint32_t score_count; /* 0 when the history was too short for a backtest */
    uint32_t champion;    /* the blend that serves the largest share of demand */
    Choice choices[VOLUME_CLASSES];
} ForecasterTables;

struct Forecaster {
    ForecasterTables tables;
    Booster *booster; /* NULL when there was too little to train or to validate it on */
};

void *forecaster_allocate(size_t count, size_t size_bytes);
