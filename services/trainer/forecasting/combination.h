/* Blends of the candidates: each alone, the good ones in equal parts, and parts chosen by past errors, per volume
 * class; shrunk towards equal parts (Timmermann 2006, Forecast Combinations, 2.3). */
#pragma once

#include "services/trainer/forecasting/candidates.h"
#include "services/trainer/forecasting/quantiles.h"

typedef enum Blend {
    BLEND_EQUAL = CANDIDATES, /* those below are the candidate of the same number alone */
    BLEND_WEIGHTED,
    BLENDS
} Blend;

typedef float BlendWeights[BLENDS][CANDIDATES];

const char *blend_name(Blend blend);
/* Equal parts of the windows, baseline and boosted one, for want of evidence. */
void combination_default(BlendWeights weights[VOLUME_CLASSES]);
/* Weights by squared errors of past expectations. */
void combination_fit(const Expectations *expectations, const float *demand, const Prospect *prospects, size_t count,
                     BlendWeights ret_weights[VOLUME_CLASSES]);

static inline float combination_expect(const BlendWeights weights, Blend blend, const float expectations[CANDIDATES])
{
    float sum = 0;
    for (int c = 0; c < CANDIDATES; c++)
        sum += weights[blend][c] * expectations[c];
    return sum;
}
