#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/stack.h"
#include "common/http_client.h"

enum {
    HOURS_MAX = 168,
    PLOT_ROWS = 10,
    COLUMNS_DEFAULT = 80,
    AXIS_COLUMNS = 9,
    CALL_DEADLINE_MS = 10000,
    URL_BYTES = 512
};

static const char usage[] =
    "Usage: rushcast forecast --geo GEO [OPTION...]\n\n"
    "Shows the forecast of a geo from the forecast API: a plot of p10..p90 with the mean, and a table.\n\n"
    "  --geo GEO       a geo's id, a city's, or all (`rushcast status` says how many there are)\n"
    "  --hours N       1..168 (168)\n"
    "  --vertical V    restaurant or goods: only these orders\n"
    "  --json          the API's answer as it is\n\n"
    "Environment: RUSHCAST_FORECAST_API_URL (http://127.0.0.1:8080) or _PORT, RUSHCAST_TOKEN.\n";

typedef struct ForecastView {
    const char *geo, *vertical;
    int hours;
    bool as_json;
} ForecastView;

static double number(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

static const char *text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value ? value : "-";
}

static int terminal_columns(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 2 * AXIS_COLUMNS ? size.ws_col
                                                                                          : COLUMNS_DEFAULT;
}

/* Hours are put together so that the plot fits the terminal: each column shows the average of its hours. */
static void print_plot(const json_t *hours)
{
    int count = (int)json_array_size(hours), wide = terminal_columns() - AXIS_COLUMNS;
    int per_column = (count + wide - 1) / wide, columns = (count + per_column - 1) / per_column;
    double low[HOURS_MAX] = {0}, mean[HOURS_MAX] = {0}, high[HOURS_MAX] = {0}, top = 0;
    for (int i = 0; i < count; i++) {
        const json_t *hour = json_array_get(hours, (size_t)i);
        int column = i / per_column, members = count - column * per_column;
        double share = 1.0 / (members < per_column ? members : per_column);
        low[column] += share * number(hour, "p10");
        mean[column] += share * number(hour, "mean");
        high[column] += share * number(hour, "p90");
    }
    for (int i = 0; i < columns; i++)
        top = fmax(top, fmax(high[i], mean[i]));
    if (top <= 0)
        top = 1;
    for (int row = PLOT_ROWS; row > 0; row--) {
        double floor_of_row = top * (row - 1) / PLOT_ROWS, ceiling = top * row / PLOT_ROWS;
        printf("%7.1f |", ceiling);
        for (int i = 0; i < columns; i++) {
            bool has_mean = mean[i] > floor_of_row && mean[i] <= ceiling;
            bool in_range = high[i] > floor_of_row && low[i] <= ceiling;
            fputs(has_mean ? "*" : in_range ? ":" : " ", stdout);
        }
        putchar('\n');
    }
    printf("%7s +", "0");
    for (int i = 0; i < columns; i++)
        putchar('-');
    printf("\n%9s* mean, : p10 to p90, one column is %d h\n", "", per_column);
}

static void print_table(const json_t *hours)
{
    printf("\n  %-25s %9s %9s %9s %9s %9s\n", "hour (local)", "mean", "p10", "p50", "p90", "couriers");
    size_t index;
    const json_t *hour;
    json_array_foreach(hours, index, hour)
        printf("  %-25s %9.2f %9.2f %9.2f %9.2f %9.0f%s\n", text(hour, "hour_local"), number(hour, "mean"),
               number(hour, "p10"), number(hour, "p50"), number(hour, "p90"), number(hour, "couriers"),
               json_is_null(json_object_get(hour, "override")) ? "" : "  overridden");
}

static bool show(const ForecastView *view, Error *err)
{
    Arena *arena ARENA_SCOPED = arena_new();
    char url[URL_BYTES];
    stack_set_environment();
    int length = snprintf(url, sizeof url, "%s/forecast?geo=%s&hours=%d", getenv("RUSHCAST_FORECAST_API_URL"),
                          http_escape(arena, view->geo), view->hours);
    if (view->vertical && length > 0 && (size_t)length < sizeof url)
        snprintf(url + length, sizeof url - (size_t)length, "&vertical=%s", http_escape(arena, view->vertical));
    JSON_SCOPED json_t *answer = NULL;
    if (!http_get_json(url, getenv("RUSHCAST_TOKEN"), CALL_DEADLINE_MS, &answer, err))
        return false;
    if (view->as_json)
        return json_dumpf(answer, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF;
    const json_t *hours = json_object_get(answer, "forecast"), *reason = json_object_get(answer, "reason");
    printf("Orders expected in %s (%s)\n", text(answer, "geo"), text(answer, "timezone"));
    printf("  %s%s%s, model %s, data up to %s, issued %s\n\n", text(answer, "quality"),
           json_is_string(reason) ? ": " : "", json_is_string(reason) ? json_string_value(reason) : "",
           text(answer, "model"), text(answer, "cutoff"), text(answer, "issued_at"));
    print_plot(hours);
    print_table(hours);
    return true;
}

int cli_forecast(int argc, char **argv)
{
    static const struct option options[] = {
        {"geo", required_argument, NULL, 'g'},      {"hours", required_argument, NULL, 'n'},
        {"vertical", required_argument, NULL, 'v'}, {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},           {0}};
    ForecastView view = {.hours = HOURS_MAX};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'g':
            view.geo = optarg;
            break;
        case 'n':
            view.hours = atoi(optarg);
            break;
        case 'v':
            view.vertical = optarg;
            break;
        case 'j':
            view.as_json = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        default:
            fputs(usage, stderr);
            return 2;
        }
    }
    if (optind != argc || !view.geo || view.hours < 1 || view.hours > HOURS_MAX) {
        fputs(usage, stderr);
        return 2;
    }
    Error err = {0};
    return show(&view, &err) ? 0 : cli_failure("forecast", &err);
}
