#include <stdio.h>
#include <string.h>
#include "cli/cli.h"
#include "common/version.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    {"run", cli_run, "the whole platform in the foreground, its data in .local/"},
    {"status", cli_status, "what runs, what it waits for, how fresh the data and the forecasts are"},
    {"forecast", cli_forecast, "the next hours of a geo: a table and a plot"},
    {"replay", cli_replay, "send the events of a file through Kafka"},
    {"simulate", cli_simulate, "a made-up company: orders, SQL and document sources"},
    {"backtest", cli_backtest, "forecast your own hourly history at past cutoffs and score it; needs no server"},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_help(FILE *out)
{
    fputs("Usage: rushcast COMMAND [OPTION...]\n\nForecasts of delivery requests for each hour and geo.\n\n", out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fputs("\n`rushcast COMMAND --help` says more.\n", out);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("rushcast " RUSHCAST_VERSION);
        return 0;
    }
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "rushcast: there is no command \"%s\"\n\n", argv[1]);
    print_help(stderr);
    return 2;
}
