#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/stack.h"
#include "common/clock.h"
#include "common/hour.h"
#include "common/http_client.h"

enum { POLL_MS = 500, CALL_DEADLINE_MS = 3000, STOP_SIMULATION_MS = 5000, PATH_BYTES = 512 };

static const char usage[] =
    "Usage: rushcast run [--events FILE] [--weeks N]\n\n"
    "Starts Postgres, Redis, Kafka and a Mongo-wire server in .local/ on loopback, the four services, and a simulated\n"
    "company that fills all sources; prints the first forecast and stays until Ctrl-C, which stops all it started.\n"
    "What an earlier run left in .local/ is used again.\n\n"
    "  --events FILE   the orders of a CSV file (event_id,ts_utc,geo,lat,lon; may be gzipped) instead of the "
    "simulated\n"
    "                  company, moved by whole weeks so that the last one lies in the past week; \"now\" is then "
    "where\n"
    "                  the data ends, unless RUSHCAST_NOW says otherwise\n"
    "  --weeks N       history of a new simulated company, 1..104 (12)\n\n"
    "RUSHCAST_LOCAL names another folder than .local for data and logs.\n"
    "Ports: RUSHCAST_{FORECAST_API,INGEST,FEATURE_STORE,TRAINER,POSTGRES,REDIS,KAFKA,KAFKA_CONTROLLER,MONGO}_PORT.\n";

static volatile sig_atomic_t interrupts;

static void count_interrupt(int signal_number)
{
    (void)signal_number;
    interrupts++;
}

static bool going_on(void)
{
    return interrupts == 0;
}

static bool in_a_hurry(void)
{
    return interrupts > 1;
}

typedef struct Run {
    Supervisor supervisor;
    const char *events; /* absolute path; NULL: the simulated company */
    const char *weeks;
    char program[PATH_MAX], program_dir[PATH_MAX];
    char local[PATH_BYTES], log_dir[PATH_BYTES + 8], data_dir[PATH_BYTES + 64], state_path[PATH_BYTES + 96];
} Run;

static bool rest(Run *run, Error *err)
{
    supervisor_tick(&run->supervisor);
    nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    return going_on() || error_set(err, ERROR_UNAVAILABLE, "interrupted");
}

/* The project's folder, from where this program lies in it: <top>/build/<variant>/rushcast. */
static bool enter_project(Run *run, Error *err)
{
    ssize_t length = readlink("/proc/self/exe", run->program, sizeof run->program - 1);
    run->program[length > 0 ? length : 0] = '\0';
    char path[PATH_MAX];
    memcpy(path, run->program, sizeof path);
    for (int levels = 0; levels < 3; levels++) {
        char *slash = strrchr(path, '/');
        if (slash)
            *slash = '\0';
        if (levels == 0)
            memcpy(run->program_dir, path, sizeof path);
    }
    if (length <= 0 || chdir(path) != 0 || access("deploy/local-stack/postgres.sh", X_OK) != 0)
        return error_set(err, ERROR_INTERNAL, "the local stack is run from a clone: build/rushcast run (or make run)");
    return true;
}

static bool make_dirs(Run *run, Error *err)
{
    const char *name = "simulated";
    char events_name[40];
    if (run->events) {
        /* One data folder a file: two cities must not be mixed. */
        struct stat status;
        if (stat(run->events, &status) != 0)
            return error_set(err, ERROR_NOT_FOUND, "%s can't be read: %s", run->events, strerror(errno));
        uint64_t hash = UINT64_C(1469598103934665603);
        for (const char *c = run->events; *c; c++)
            hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
        hash ^= (uint64_t)status.st_size;
        snprintf(events_name, sizeof events_name, "events-%016llx", (unsigned long long)hash);
        name = events_name;
    }
    char data_parent[PATH_BYTES + 8];
    snprintf(run->local, sizeof run->local, "%s", cli_env("RUSHCAST_LOCAL", ".local"));
    snprintf(run->log_dir, sizeof run->log_dir, "%s/log", run->local);
    snprintf(data_parent, sizeof data_parent, "%s/data", run->local);
    snprintf(run->data_dir, sizeof run->data_dir, "%s/%s", data_parent, name);
    snprintf(run->state_path, sizeof run->state_path, "%s/%s", run->data_dir,
             run->events ? "replay.state" : "simulation.state");
    const char *const dirs[] = {run->local, run->log_dir, data_parent, run->data_dir};
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
        if (mkdir(dirs[i], 0755) != 0 && errno != EEXIST)
            return error_set(err, ERROR_INTERNAL, "%s can't be made: %s", dirs[i], strerror(errno));
    run->supervisor.log_dir = run->log_dir;
    return true;
}

static bool lock_stack(const Run *run, Error *err)
{
    char path[PATH_BYTES + 16];
    snprintf(path, sizeof path, "%s/run.lock", run->local);
    int handle = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (handle < 0 || flock(handle, LOCK_EX | LOCK_NB) != 0)
        return error_set(err, ERROR_CONFLICT, "the platform already runs in %s; stop it with Ctrl-C first", run->local);
    return true;
}

static bool fill_sources(Run *run, Error *err)
{
    if (!run->events) {
        const char *const simulate[] = {run->program, "simulate", "--state", run->state_path,
                                        "--weeks",    run->weeks, NULL};
        return supervisor_run(&run->supervisor, simulate, NULL, going_on, err);
    }
    const char *const replay[] = {run->program,     "replay",  "--events",      run->events,
                                  "--shift-to-now", "--state", run->state_path, NULL};
    return supervisor_run(&run->supervisor, replay, NULL, going_on, err);
}

static json_t *ask(const char *variable, const char *path)
{
    char url[256];
    json_t *answer;
    snprintf(url, sizeof url, "%s%s", getenv(variable), path);
    return http_get_json(url, getenv("RUSHCAST_TOKEN"), CALL_DEADLINE_MS, &answer, NULL) ? answer : NULL;
}

/* How far ingest has read the topic: the sum of its next offsets. */
static json_int_t ingested_events(void)
{
    JSON_SCOPED json_t *answer = ask("RUSHCAST_INGEST_URL", "/sources");
    const json_t *sources = json_object_get(answer, "sources"), *partitions, *partition;
    size_t index;
    json_int_t events = 0;
    partitions = json_object_get(json_array_get(sources, 0), "partitions");
    json_array_foreach(partitions, index, partition) events +=
        json_integer_value(json_object_get(partition, "next_offset"));
    return events;
}

static bool wait_for_ingest(Run *run, Error *err)
{
    Progress progress;
    progress_begin(&progress, "ingest");
    int64_t end;
    if (!stack_topic_end(&end, err))
        return false;
    for (;;) {
        json_int_t lag = end - ingested_events();
        JSON_SCOPED json_t *watermark = ask("RUSHCAST_INGEST_URL", "/watermark");
        json_int_t orders = json_integer_value(json_object_get(watermark, "orders"));
        if (orders > 0 && lag <= 0) {
            progress_end(&progress, "%lld orders in the warehouse", (long long)orders);
            return true;
        }
        progress_text(&progress, "%lld orders in the warehouse, %lld events to go", (long long)orders, (long long)lag);
        if (!rest(run, err))
            return false;
    }
}

static bool wait_for_forecast(Run *run, Error *err)
{
    Progress progress;
    progress_begin(&progress, "first forecast");
    for (;;) {
        char url[256];
        snprintf(url, sizeof url, "%s/readyz", getenv("RUSHCAST_FORECAST_API_URL"));
        if (http_call(&(HttpCall){.url = url, .deadline_ms = CALL_DEADLINE_MS, .attempts = 1}, NULL, NULL)) {
            progress_end(&progress, "a forecast set is published");
            return true;
        }
        JSON_SCOPED json_t *answer = ask("RUSHCAST_TRAINER_URL", "/runs?limit=1");
        const json_t *newest = json_array_get(json_object_get(answer, "runs"), 0);
        const char *kind = json_string_value(json_object_get(newest, "kind"));
        const char *what = json_string_value(json_object_get(newest, "what"));
        const char *status = json_string_value(json_object_get(newest, "status"));
        if (kind)
            progress_text(&progress, "%s run: %s %s (%.0f%%)", kind, status ? status : "", what ? what : "",
                          100 * json_number_value(json_object_get(newest, "share")));
        else
            progress_text(&progress, "the trainer waits for features");
        if (!rest(run, err))
            return false;
    }
}

static void print_addresses(const Run *run)
{
    printf("\nRushcast runs. Ctrl-C stops it.\n\n"
           "  dashboard       %s/\n"
           "  forecast        curl '%s/forecast?geo=all&hours=168'\n"
           "  geos            curl '%s/geos'\n"
           "  in a terminal   build/rushcast forecast --geo all; build/rushcast status%s\n"
           "  SQL             psql '%s'\n"
           "  logs            %s/\n\n",
           getenv("RUSHCAST_FORECAST_API_URL"), getenv("RUSHCAST_FORECAST_API_URL"),
           getenv("RUSHCAST_FORECAST_API_URL"),
           stack_uses_default_ports() ? "" : "; with the same RUSHCAST_*_PORT variables", getenv("RUSHCAST_POSTGRES"),
           run->log_dir);
    fflush(stdout);
}

static bool run_platform(Run *run, Error *err)
{
    double started_s = clock_monotonic_s();
    if (!stack_start_servers(&run->supervisor, run->data_dir, going_on, err) ||
        !stack_start_services(&run->supervisor, run->program_dir, going_on, err) || !fill_sources(run, err))
        return false;
    Process live = {.name = "simulate",
                    .argv = {run->program, "simulate", "--state", run->state_path, "--follow"},
                    .stop_deadline_ms = STOP_SIMULATION_MS};
    if (!run->events && !supervisor_start(&run->supervisor, &live, err))
        return false;
    if (!wait_for_ingest(run, err) || !wait_for_forecast(run, err))
        return false;
    printf("\n");
    const char *const show[] = {run->program, "forecast", "--geo", "all", "--hours", "24", NULL};
    if (!supervisor_run(&run->supervisor, show, NULL, going_on, err))
        return false;
    printf("\nFirst forecast after %.0f s.\n", clock_monotonic_s() - started_s);
    print_addresses(run);
    while (rest(run, err))
        ;
    return true;
}

int cli_run(int argc, char **argv)
{
    static const struct option options[] = {{"events", required_argument, NULL, 'e'},
                                            {"weeks", required_argument, NULL, 'w'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    static Run run = {.weeks = "12"};
    static char events[PATH_MAX];
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'e':
            if (!realpath(optarg, events)) {
                fprintf(stderr, "rushcast run: %s can't be read: %s\n", optarg, strerror(errno));
                return 1;
            }
            run.events = events;
            break;
        case 'w':
            run.weeks = optarg;
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        default:
            fputs(usage, stderr);
            return 2;
        }
    }
    if (optind != argc || atoi(run.weeks) < 1 || atoi(run.weeks) > SIMULATION_WEEKS_MAX) {
        fputs(usage, stderr);
        return 2;
    }
    struct sigaction action = {.sa_handler = count_interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);

    Error err = {0};
    if (!enter_project(&run, &err) || !make_dirs(&run, &err) || !lock_stack(&run, &err))
        return cli_failure("run", &err);
    if (run.events)
        setenv("RUSHCAST_NOW", cli_env("RUSHCAST_NOW", "data"), 1);
    else
        setenv("RUSHCAST_SERVICE_AREA", cli_env("RUSHCAST_SERVICE_AREA", "deploy/city/service-area.json"), 1);
    stack_set_environment();
    if (!clock_init(getenv("RUSHCAST_NOW"), &err) || !stack_check_ports(&err))
        return cli_failure("run", &err);
    bool done = run_platform(&run, &err);
    printf("\nStopping (Ctrl-C again ends it at once) ...\n");
    fflush(stdout);
    supervisor_stop(&run.supervisor, in_a_hurry);
    if (interrupts)
        return 0;
    return done ? 0 : cli_failure("run", &err);
}
