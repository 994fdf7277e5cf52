#include "services/trainer/forecasting/combination.h"

#include <string.h>

enum { SOLVER_STEPS = 500 };

/* A candidate is good while its squared error is at most this many times the best one's; the repetition is never:
 * its noise is that of a single week. Wide on purpose, and most of the weighted blend is equal parts: when a season
 * turns, what was best in the last weeks is seldom best in the next one. */
static const double GOOD_RATIO = 1.5;
/* Share of equal parts in the weighted blend. */
static const double EQUAL_SHARE = 0.9;
/* Hours of evidence of its own at which a class leans on all classes by half. */
static const double CLASS_PRIOR_HOURS = 3000;

/* Means of products of candidates' errors: the squared error of weights w that sum to 1 is w' errors w. */
typedef struct Evidence {
    double errors[CANDIDATES][CANDIDATES];
    double hours;
} Evidence;

const char *blend_name(Blend blend)
{
    return blend == BLEND_EQUAL ? "equal" : blend == BLEND_WEIGHTED ? "weighted" : candidate_name((Candidate)blend);
}

static void set_singles(BlendWeights weights)
{
    memset(weights, 0, sizeof(BlendWeights));
    for (int c = 0; c < CANDIDATES; c++)
        weights[c][c] = 1;
}

void combination_default(BlendWeights weights[VOLUME_CLASSES])
{
    for (int volume = 0; volume < VOLUME_CLASSES; volume++) {
        set_singles(weights[volume]);
        for (int blend = BLEND_EQUAL; blend < BLENDS; blend++)
            for (int c = CANDIDATE_REPETITION + 1; c < CANDIDATES; c++)
                weights[volume][blend][c] = 1.0F / (CANDIDATES - 1);
    }
}

static void gather(const Expectations *expectations, const float *demand, const Prospect *prospects, size_t count,
                   Evidence evidence[VOLUME_CLASSES])
{
    memset(evidence, 0, VOLUME_CLASSES * sizeof *evidence);
    for (size_t i = 0; i < count; i++) {
        Evidence *own = &evidence[prospects[i].volume_class];
        double errors[CANDIDATES];
        for (int c = 0; c < CANDIDATES; c++)
            errors[c] = (double)expectations[i][c] - (double)demand[i];
        for (int a = 0; a < CANDIDATES; a++)
            for (int b = 0; b < CANDIDATES; b++)
                own->errors[a][b] += errors[a] * errors[b];
        own->hours++;
    }
}

/* Products relative to the mean squared error of the class, so that classes can lean on each other. */
static void normalize(Evidence *evidence)
{
    double trace = 0;
    for (int c = 0; c < CANDIDATES; c++)
        trace += evidence->errors[c][c];
    for (int a = 0; a < CANDIDATES; a++)
        for (int b = 0; b < CANDIDATES; b++)
            evidence->errors[a][b] = trace > 0 ? evidence->errors[a][b] * CANDIDATES / trace : 0;
}

static void set_equal(const Evidence *evidence, float weights[CANDIDATES])
{
    double best = evidence->errors[0][0];
    int good = 0;
    for (int c = 0; c < CANDIDATES; c++)
        best = fmin(best, evidence->errors[c][c]);
    for (int c = 0; c < CANDIDATES; c++) {
        weights[c] = c != CANDIDATE_REPETITION && evidence->errors[c][c] <= GOOD_RATIO * best;
        good += weights[c] > 0;
    }
    for (int c = 0; c < CANDIDATES; c++)
        weights[c] = good ? weights[c] / (float)good : c == CANDIDATE_REPETITION;
}

/* Least squares over weights that are not negative and sum to 1: Frank and Wolfe's steps with exact line search. */
static void solve(const Evidence *evidence, double weights[CANDIDATES])
{
    for (int c = 0; c < CANDIDATES; c++)
        weights[c] = 1.0 / CANDIDATES;
    for (int step = 0; step < SOLVER_STEPS; step++) {
        double gradient[CANDIDATES] = {0}, value = 0;
        int best = 0;
        for (int a = 0; a < CANDIDATES; a++) {
            for (int b = 0; b < CANDIDATES; b++)
                gradient[a] += evidence->errors[a][b] * weights[b];
            value += gradient[a] * weights[a];
            if (gradient[a] < gradient[best])
                best = a;
        }
        double slope = value - gradient[best];
        double curve = value - 2 * gradient[best] + evidence->errors[best][best];
        if (slope <= 1e-12 || curve <= 0)
            return;
        double length = fmin(slope / curve, 1);
        for (int c = 0; c < CANDIDATES; c++)
            weights[c] += length * ((c == best) - weights[c]);
    }
}

void combination_fit(const Expectations *expectations, const float *demand, const Prospect *prospects, size_t count,
                     BlendWeights ret_weights[VOLUME_CLASSES])
{
    Evidence evidence[VOLUME_CLASSES], all = {0};
    gather(expectations, demand, prospects, count, evidence);
    for (int volume = 0; volume < VOLUME_CLASSES; volume++) {
        normalize(&evidence[volume]);
        all.hours += evidence[volume].hours;
        for (int a = 0; a < CANDIDATES; a++)
            for (int b = 0; b < CANDIDATES; b++)
                all.errors[a][b] += evidence[volume].hours * evidence[volume].errors[a][b];
    }
    for (int volume = 0; volume < VOLUME_CLASSES; volume++) {
        Evidence *own = &evidence[volume];
        for (int a = 0; a < CANDIDATES; a++)
            for (int b = 0; b < CANDIDATES; b++)
                own->errors[a][b] =
                    (own->hours * own->errors[a][b] + CLASS_PRIOR_HOURS * all.errors[a][b] / fmax(all.hours, 1)) /
                    (own->hours + CLASS_PRIOR_HOURS);
        set_singles(ret_weights[volume]);
        float *equal = ret_weights[volume][BLEND_EQUAL], *weighted = ret_weights[volume][BLEND_WEIGHTED];
        set_equal(own, equal);
        double solved[CANDIDATES];
        solve(own, solved);
        for (int c = 0; c < CANDIDATES; c++)
            weighted[c] = (float)(EQUAL_SHARE * (double)equal[c] + (1 - EQUAL_SHARE) * solved[c]);
    }
}
