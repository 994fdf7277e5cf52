#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <mongoc/mongoc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/history_csv.h"
#include "common/buffer.h"
#include "common/clock.h"
#include "services/trainer/forecasting/accuracy.h"
#include "services/trainer/forecasting/threads.h"

enum {
    SEED = 1 /* the trainer's default */,
    LEVELS_MAX = 19,
    CUTOFFS_MAX = 520,
    MODELS_MAX = 16,
    OUT_BUFFER_BYTES_MAX = 1 << 22
};

static const char help[] =
    "Usage: rushcast backtest --history FILE.csv[.gz] --forecasts OUT.csv [OPTION...]\n\n"
    "Forecasts an hourly history at past cutoffs with the trainer's own code, knowing nothing after each cutoff, and\n"
    "scores what it forecast. Needs no server.\n\n"
    "  --history FILE      columns geo,hour_utc,count; plain or gzip; rows in any order\n"
    "  --forecasts OUT     written: geo,cutoff,hour_utc,mean,p10,p50,p90\n"
    "  --horizon HOURS     hours ahead (168, at most 336)\n"
    "  --cutoffs N         number of cutoffs (6); the last is the last hour of the file minus the horizon\n"
    "  --step HOURS        between cutoffs (168)\n"
    "  --timezone TZ       IANA zone that days and weeks follow (UTC)\n"
    "  --country CC        country of public holidays, ISO 3166 (that of the zone)\n"
    "  --quantiles LIST    rising levels of the quantiles (0.1,0.5,0.9)\n\n"
    "A summary goes to standard output as JSON: scores of the champion and of every model it was chosen from.\n";

typedef struct Options {
    const char *history, *forecasts, *zone_name, *country;
    long horizon, cutoffs, step;
    double levels[LEVELS_MAX];
    size_t level_count;
} Options;

typedef struct Model {
    const char *name; /* NULL: the champion */
    Accuracy accuracy;
    double seconds;
} Model;

typedef struct Run {
    const Options *options;
    HistoryCsv csv;
    FILE *out;
    Model models[MODELS_MAX]; /* the champion first */
    size_t model_count;
    const char *champion; /* of the last cutoff */
    double began_s;
    const char *step; /* shown last; static */
    long done;
} Run;

static bool parse_number(const char *name, const char *text, long least, long most, long *ret_number, Error *err)
{
    char *end;
    long number = strtol(text, &end, 10);
    if (!*text || *end || number < least || number > most)
        return error_set(err, ERROR_INVALID_ARGUMENT, "--%s must be a whole number from %ld to %ld, not \"%.40s\".",
                         name, least, most, text);
    *ret_number = number;
    return true;
}

static bool parse_levels(const char *text, Options *options, Error *err)
{
    options->level_count = 0;
    for (const char *at = text;; at++) {
        char *end;
        double level = strtod(at, &end), before = options->level_count ? options->levels[options->level_count - 1] : 0;
        if (end == at || (*end && *end != ',') || !(level > before && level < 1) || options->level_count == LEVELS_MAX)
            return error_set(err, ERROR_INVALID_ARGUMENT,
                             "--quantiles must be at most %d rising levels between 0 and 1, such as 0.1,0.5,0.9.",
                             LEVELS_MAX);
        options->levels[options->level_count++] = level;
        if (!*end)
            return true;
        at = end;
    }
}

static bool parse_options(int argc, char **argv, Options *options, bool *ret_help, Error *err)
{
    static const struct option known[] = {
        {"history", required_argument, NULL, 'i'}, {"forecasts", required_argument, NULL, 'o'},
        {"horizon", required_argument, NULL, 'h'}, {"cutoffs", required_argument, NULL, 'c'},
        {"step", required_argument, NULL, 's'},    {"timezone", required_argument, NULL, 'z'},
        {"country", required_argument, NULL, 'y'}, {"quantiles", required_argument, NULL, 'q'},
        {"help", no_argument, NULL, '?' + 1},      {NULL, 0, NULL, 0},
    };
    *options = (Options){
        .horizon = HOURS_PER_WEEK, .cutoffs = 6, .step = HOURS_PER_WEEK, .levels = {0.1, 0.5, 0.9}, .level_count = 3};
    *ret_help = false;
    opterr = 0;
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, ":", known, NULL)) != -1;) {
        bool ok = true;
        switch (option) {
        case 'i':
            options->history = optarg;
            break;
        case 'o':
            options->forecasts = optarg;
            break;
        case 'h':
            ok = parse_number("horizon", optarg, 1, FORECAST_HORIZON_MAX, &options->horizon, err);
            break;
        case 'c':
            ok = parse_number("cutoffs", optarg, 1, CUTOFFS_MAX, &options->cutoffs, err);
            break;
        case 's':
            ok = parse_number("step", optarg, 1, HISTORY_HOURS_MAX, &options->step, err);
            break;
        case 'z':
            options->zone_name = optarg;
            break;
        case 'y':
            options->country = optarg;
            break;
        case 'q':
            ok = parse_levels(optarg, options, err);
            break;
        case '?' + 1:
            *ret_help = true;
            return true;
        case ':':
            return error_set(err, ERROR_INVALID_ARGUMENT, "%s needs a value.", argv[optind - 1]);
        default:
            return error_set(err, ERROR_INVALID_ARGUMENT, "There is no option %s.", argv[optind - 1]);
        }
        if (!ok)
            return false;
    }
    if (optind < argc)
        return error_set(err, ERROR_INVALID_ARGUMENT, "Unexpected argument \"%.60s\".", argv[optind]);
    if (!options->history || !options->forecasts)
        return error_set(err, ERROR_INVALID_ARGUMENT, "--history and --forecasts are required.");
    return true;
}

static void warn_repairs(const HistoryRepairs *repairs)
{
    const struct {
        size_t count;
        const char *text;
    } warnings[] = {
        {repairs->repeated_rows, "rows repeat another row and were ignored"},
        {repairs->zoneless_hours, "hours have no offset and were read as UTC"},
        {repairs->missing_hours, repairs->explicit_zeros
                                     ? "hours have no row and were taken as unknown"
                                     : "hours have no row and were taken as zero: no row of the file says zero"},
    };
    for (size_t i = 0; i < sizeof warnings / sizeof *warnings; i++)
        if (warnings[i].count)
            fprintf(stderr, "rushcast backtest: warning: %zu %s\n", warnings[i].count, warnings[i].text);
}

static bool write_header(const Run *run, Error *err)
{
    fputs("geo,cutoff,hour_utc,mean", run->out);
    for (size_t level = 0; level < run->options->level_count; level++) {
        double percent = run->options->levels[level] * 100;
        fprintf(run->out, fabs(percent - round(percent)) < 1e-9 ? ",p%02.0f" : ",p%g", percent);
    }
    return fputc('\n', run->out) != EOF ||
           error_set(err, ERROR_INTERNAL, "%.200s: cannot write", run->options->forecasts);
}

static bool write_forecasts(const Run *run, const ForecastSet *set, Error *err)
{
    Buffer lines BUFFER_SCOPED;
    buffer_init(&lines, OUT_BUFFER_BYTES_MAX);
    char cutoff[INSTANT_TEXT_MAX], hour[INSTANT_TEXT_MAX];
    hour_format(set->cutoff, cutoff);
    for (size_t i = 0; i < set->count; i++) {
        const SeriesForecast *series = &set->series[i];
        buffer_clear(&lines);
        for (size_t h = 0; h < set->hours; h++) {
            hour_format(set->cutoff + 1 + (Hour)h, hour);
            buffer_append_csv(&lines, series->geo);
            buffer_printf(&lines, ",%s,%s,", cutoff, hour);
            buffer_append_decimal(&lines, series->mean[h], 4);
            for (size_t level = 0; level < run->options->level_count; level++) {
                buffer_append_char(&lines, ',');
                buffer_append_decimal(&lines, series->at_levels[level][h], 4);
            }
            buffer_append_char(&lines, '\n');
        }
        if (!buffer_ok(&lines, err))
            return false;
        if (fwrite(lines.data, 1, lines.length_bytes, run->out) != lines.length_bytes)
            return error_set(err, ERROR_INTERNAL, "%.200s: cannot write: %m", run->options->forecasts);
    }
    return true;
}

/* Scores a set against what the file says. Both are sorted by geo. */
static void score_set(const HistoryCsv *csv, const DemandHistory *known, const ForecastSet *set, Accuracy *accuracy)
{
    size_t whole = 0;
    for (size_t i = 0; i < set->count; i++) {
        while (strcmp(csv->history.series[whole].geo, set->series[i].geo) != 0)
            whole++;
        const DemandSeries *actual = &csv->history.series[whole];
        accuracy_begin_series(accuracy, accuracy_scale(&known->series[i], set->cutoff));
        for (size_t h = 0; h < set->hours; h++) {
            double quantiles[FORECAST_QUANTILES];
            for (int q = 0; q < FORECAST_QUANTILES; q++)
                quantiles[q] = set->series[i].quantiles[q][h];
            int64_t at = (int64_t)set->cutoff + 1 + (int64_t)h - actual->first_hour;
            accuracy_add(accuracy, at < (int64_t)actual->hours ? (double)actual->demand[at] : (double)NAN,
                         set->series[i].mean[h], quantiles);
        }
    }
}

/* One changing line on a terminal; elsewhere a line when the step changes. */
static bool show_progress(void *context, const char *what, double share)
{
    Run *run = context;
    double elapsed_s = clock_monotonic_s() - run->began_s;
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\rrushcast backtest: cutoff %ld of %ld: %-24s %3.0f%%  %.0f s ", run->done + 1,
                run->options->cutoffs, what, share * 100, elapsed_s);
    else if (what != run->step)
        fprintf(stderr, "rushcast backtest: cutoff %ld of %ld: %s, after %.0f s\n", run->done + 1,
                run->options->cutoffs, what, elapsed_s);
    run->step = what;
    return true;
}

static bool predict_models(Run *run, const Forecaster *forecaster, const DemandHistory *history, Hour cutoff,
                           const DemandHistory *known, Error *err)
{
    for (size_t m = 0; m < run->model_count; m++) {
        Model *model = &run->models[m];
        Arena *arena ARENA_SCOPED = arena_new();
        ForecastRequest request = {.cutoff = cutoff,
                                   .hours = (size_t)run->options->horizon,
                                   .model = model->name,
                                   .levels = run->options->levels,
                                   .level_count = model->name ? 0 : run->options->level_count};
        ForecastSet set;
        double began_s = clock_monotonic_s();
        if (!forecaster_predict_request(forecaster, history, &request, arena, &set, err))
            return false;
        model->seconds += clock_monotonic_s() - began_s;
        score_set(&run->csv, known, &set, &model->accuracy);
        if (!model->name && !write_forecasts(run, &set, err))
            return false;
    }
    return true;
}

/* Trains on the file as it was at the cutoff, forecasts and scores. */
static bool run_cutoff(Run *run, Hour cutoff, Error *err)
{
    Arena *arena ARENA_SCOPED = arena_new();
    DemandHistory known, history;
    history_csv_cut(&run->csv, cutoff, arena, &known);
    history = known;
    history.series = arena_array(arena, known.count + 1, sizeof *history.series);
    memcpy(history.series, known.series, known.count * sizeof *history.series);
    size_t masked = forecaster_mask_outages(&history, cutoff, arena);
    if (masked)
        fprintf(stderr,
                "%srushcast backtest: warning: %zu hours without any demand where much was to be expected are "
                "taken as unknown\n",
                isatty(STDERR_FILENO) ? "\r" : "", masked);
    ForecasterOptions options = {
        .seed = SEED, .threads = get_nprocs(), .progress = show_progress, .progress_context = run};
    Forecaster *forecaster = NULL;
    double began_s = clock_monotonic_s();
    if (!forecaster_train(&history, cutoff, &options, &forecaster, err))
        return false;
    run->models[0].seconds += clock_monotonic_s() - began_s;
    run->champion = forecaster_champion(forecaster);
    bool ok = predict_models(run, forecaster, &history, cutoff, &known, err);
    forecaster_free(forecaster);
    return ok;
}

/* JSON has no NaN. */
static json_t *json_number(double value)
{
    return isfinite(value) ? json_real(round(value * 1e4) / 1e4) : json_null();
}

static json_t *summarize_model(Model *model)
{
    ModelScore score;
    accuracy_score(&model->accuracy, model->name ? model->name : "champion", &score);
    json_t *calibration = json_object();
    for (int q = 0; q < FORECAST_QUANTILES; q++) {
        char name[8];
        snprintf(name, sizeof name, "p%.0f", forecast_levels[q] * 100);
        json_object_set_new(
            calibration, name,
            json_pack("{s:o, s:o}", "below", json_number(score.below[q]), "at_most", json_number(score.at_most[q])));
    }
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "model", score.model, "wape",
                     json_number(score.wape), "rmse", json_number(score.rmse), "bias", json_number(score.bias), "mase",
                     json_number(score.mase), "wql", json_number(score.wql), "coverage80_busy",
                     json_number(score.coverage80), "calibration", calibration, "seconds", json_number(model->seconds),
                     "hours", (json_int_t)score.hours);
}

static bool print_summary(Run *run, const TimeZone *zone, Error *err)
{
    json_t *champion = summarize_model(&run->models[0]), *models = json_array();
    for (size_t m = 1; m < run->model_count; m++)
        json_array_append_new(models, summarize_model(&run->models[m]));
    json_object_set_new(champion, "chosen_last", json_string(run->champion));
    json_t *summary = json_pack("{s:s, s:s, s:I, s:i, s:i, s:i, s:o, s:o}", "history", run->options->history,
                                "timezone", timezone_name(zone), "geos", (json_int_t)run->csv.history.count, "horizon",
                                (int)run->options->horizon, "cutoffs", (int)run->options->cutoffs, "step",
                                (int)run->options->step, "champion", champion, "models", models);
    bool ok = summary && json_dumpf(summary, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) == 0;
    json_decref(summary);
    if (!ok || putchar('\n') == EOF || fflush(stdout) != 0)
        return error_set(err, ERROR_INTERNAL, "cannot write the summary");
    return true;
}

static bool check_span(const Run *run, Error *err)
{
    const Options *options = run->options;
    int64_t first = (int64_t)run->csv.last_hour - options->horizon - options->step * (options->cutoffs - 1);
    if (first >= run->csv.first_hour)
        return true;
    return error_set(
        err, ERROR_UNPROCESSABLE,
        "%.200s: %d hours are too few for %ld cutoffs %ld hours apart and a horizon of %ld hours: try fewer "
        "--cutoffs or a shorter --step.",
        options->history, run->csv.last_hour - run->csv.first_hour + 1, options->cutoffs, options->step,
        options->horizon);
}

static bool run_cutoffs(Run *run, Error *err)
{
    const Options *options = run->options;
    if (!write_header(run, err))
        return false;
    run->models[run->model_count++] = (Model){0};
    for (const char *name; (name = forecaster_model_name(run->model_count - 1)) && run->model_count < MODELS_MAX;)
        run->models[run->model_count++] = (Model){.name = name};
    for (; run->done < options->cutoffs; run->done++) {
        long back = options->horizon + options->step * (options->cutoffs - 1 - run->done);
        if (!run_cutoff(run, run->csv.last_hour - (Hour)back, err))
            return false;
    }
    if (isatty(STDERR_FILENO))
        fputc('\n', stderr);
    return true;
}

/* Opening the output empties it: everything that can be refused before is refused before. */
static bool open_output(Run *run, Error *err)
{
    const Options *options = run->options;
    struct stat history, forecasts;
    if (!check_span(run, err))
        return false;
    if (stat(options->history, &history) == 0 && stat(options->forecasts, &forecasts) == 0 &&
        history.st_dev == forecasts.st_dev && history.st_ino == forecasts.st_ino)
        return error_set(err, ERROR_INVALID_ARGUMENT, "--forecasts names the history itself, which would be lost.");
    run->out = fopen(options->forecasts, "we");
    return run->out || error_set(err, ERROR_INVALID_ARGUMENT, "%.200s: cannot write: %m", options->forecasts);
}

static bool find_zone(Options *options, const TimeZone **ret_zone, Error *err)
{
    if (!options->zone_name)
        fputs("rushcast backtest: note: days and weeks follow UTC; --timezone names the zone people live by\n", stderr);
    if (!timezone_get(options->zone_name ? options->zone_name : "UTC", ret_zone, err))
        return false;
    if (!options->country)
        options->country = timezone_country(*ret_zone);
    return true;
}

static bool backtest(Options *options, Error *err)
{
    const TimeZone *zone;
    Run run = {.options = options, .began_s = clock_monotonic_s()};
    if (!find_zone(options, &zone, err) || !history_csv_read(options->history, zone, options->country, &run.csv, err))
        return false;
    warn_repairs(&run.csv.repairs);
    bool ok = open_output(&run, err) && run_cutoffs(&run, err);
    if (run.out && fclose(run.out) != 0 && ok)
        ok = error_set(err, ERROR_INTERNAL, "%.200s: cannot write: %m", options->forecasts);
    ok = ok && print_summary(&run, zone, err);
    history_csv_fini(&run.csv);
    return ok;
}

int cli_backtest(int argc, char **argv)
{
    Options options;
    Error err;
    bool wants_help;
    /* The Mongo driver keeps its counters in shared memory by process number, from before main on: replacing the
     * program would leave them behind, and the next one, of the same number, would complain. */
    mongoc_cleanup();
    threads_let_sleep(argv - 1);
    if (!parse_options(argc, argv, &options, &wants_help, &err)) {
        cli_failure("backtest", &err);
        return 2;
    }
    if (wants_help) {
        fputs(help, stdout);
        return 0;
    }
    return backtest(&options, &err) ? 0 : cli_failure("backtest", &err);
}
