#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "cli/city_message.h"
#include "cli/cli.h"
#include "cli/company_documents.h"
#include "cli/company_sql.h"
#include "cli/progress.h"
#include "cli/state_file.h"
#include "common/clock.h"
#include "common/kafka_producer.h"

enum { MESSAGE_LIMIT_BYTES = 64 * 1024, PRODUCE_DEADLINE_MS = 30000, FOLLOW_INTERVAL_MS = 1000 };

static const char usage[] =
    "Usage: rushcast simulate --state FILE [OPTION...]\n\n"
    "Fills the three source systems of a made-up delivery company: order events into Kafka, customers, products,\n"
    "inventory and sales into its SQL database, branches and runners into its document database. FILE remembers how\n"
    "far it came, so that the next call goes on from there.\n\n"
    "  --state FILE    where to remember seed, first hour and the last instant sent (made when it is not there)\n"
    "  --weeks N       history of a new company, 1..104 (12)\n"
    "  --seed N        which company (1)\n"
    "  --follow        stay and send events as time passes, until interrupted\n\n"
    "Environment: RUSHCAST_KAFKA_BROKERS, RUSHCAST_KAFKA_TOPIC, RUSHCAST_SOURCE_SQL, RUSHCAST_SOURCE_MONGO,\n"
    "RUSHCAST_SERVICE_AREA, RUSHCAST_H3_RESOLUTION. An empty RUSHCAST_SOURCE_SQL or RUSHCAST_SOURCE_MONGO leaves\n"
    "that source out.\n";

typedef struct Simulation {
    const char *state_path;
    uint64_t seed;
    Hour first_hour;
    Instant sent_until;
    City *city;
    ServiceArea area;
    Arena *arena, *step_arena;
    KafkaProducer *producer;
    PgPool *company; /* NULL: no SQL source */
    int64_t sent;
} Simulation;

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
    (void)signal_number;
    stopped = 1;
}

static bool read_state(Simulation *simulation, bool *ret_found, Error *err)
{
    char line[STATE_LINE_MAX];
    if (!state_file_read(simulation->state_path, line, ret_found, err))
        return false;
    unsigned long long seed;
    long long sent_until;
    if (!*ret_found)
        return true;
    if (sscanf(line, "seed %llu first_hour %d sent_until %lld", &seed, &simulation->first_hour, &sent_until) != 3)
        return error_set(err, ERROR_MALFORMED, "%s is not a simulation's state; remove it to begin anew",
                         simulation->state_path);
    simulation->seed = seed;
    simulation->sent_until = sent_until;
    return true;
}

static bool write_state(const Simulation *simulation, Error *err)
{
    char line[STATE_LINE_MAX];
    snprintf(line, sizeof line, "seed %llu first_hour %d sent_until %lld", (unsigned long long)simulation->seed,
             simulation->first_hour, (long long)simulation->sent_until);
    return state_file_write(simulation->state_path, line, err);
}

static bool fill_sources(Simulation *simulation, Error *err)
{
    const char *uri = cli_env("RUSHCAST_SOURCE_MONGO", NULL), *conninfo = cli_env("RUSHCAST_SOURCE_SQL", NULL);
    Progress progress;
    if (conninfo) {
        progress_begin(&progress, "SQL source");
        simulation->company =
            pg_pool_new(&(PgPoolOptions){.conninfo = conninfo, .application_name = "rushcast-simulate", .size = 1});
        PG_SCOPED PgConnection *connection = NULL;
        if (!pg_acquire(simulation->company, PRODUCE_DEADLINE_MS, &connection, err) ||
            !company_sql_fill(connection, simulation->city, &simulation->area, err))
            return error_prefix(err, "the company's SQL database (RUSHCAST_SOURCE_SQL)");
        progress_end(&progress, "%d customers, %d products", CITY_CUSTOMERS, CITY_PRODUCTS);
    }
    if (uri) {
        progress_begin(&progress, "document source");
        if (!company_documents_fill(uri, simulation->city, err))
            return error_prefix(err, "the company's document database (RUSHCAST_SOURCE_MONGO)");
        progress_end(&progress, "%zu branches, %zu runners", simulation->city->branches_count,
                     simulation->city->cells_count * CITY_RUNNERS_PER_CELL);
    }
    return true;
}

/* Sends what is due in [sent_until, until): of each hour that can still have events then. */
static bool send_until(Simulation *simulation, Instant until, Error *err)
{
    BUFFER_SCOPED Buffer message = {0};
    buffer_init(&message, MESSAGE_LIMIT_BYTES);
    Hour first = hour_of(simulation->sent_until) - CITY_EVENT_SPAN_HOURS, last = hour_of(until - 1);
    for (Hour hour = first < simulation->first_hour ? simulation->first_hour : first; hour <= last; hour++) {
        arena_reset(simulation->step_arena);
        CityEvent *events;
        size_t count, due = 0;
        city_events(simulation->city, hour, simulation->step_arena, &events, &count);
        for (size_t i = 0; i < count; i++) {
            if (events[i].sent_at < simulation->sent_until || events[i].sent_at >= until)
                continue;
            buffer_clear(&message);
            city_message(simulation->city, &events[i], &message);
            if (!buffer_ok(&message, err) ||
                !kafka_produce(simulation->producer, events[i].order_id, strlen(events[i].order_id), message.data,
                               message.length_bytes, PRODUCE_DEADLINE_MS, err))
                return false;
            events[due++] = events[i];
        }
        simulation->sent += (int64_t)due;
        if (!simulation->company || due == 0)
            continue;
        PG_SCOPED PgConnection *connection = NULL;
        if (!pg_acquire(simulation->company, PRODUCE_DEADLINE_MS, &connection, err) ||
            !company_sql_add_sales(connection, simulation->city, events, due, err))
            return error_prefix(err, "the company's SQL database (RUSHCAST_SOURCE_SQL)");
    }
    if (!kafka_producer_flush(simulation->producer, PRODUCE_DEADLINE_MS, err))
        return false;
    simulation->sent_until = until;
    return write_state(simulation, err);
}

static bool catch_up(Simulation *simulation, Error *err)
{
    const Instant step = 24 * INSTANT_PER_HOUR;
    Instant from = simulation->sent_until, now = cli_now();
    Progress progress;
    progress_begin(&progress, "order events");
    while (!stopped && simulation->sent_until < now) {
        Instant until = simulation->sent_until + step < now ? simulation->sent_until + step : now;
        if (!send_until(simulation, until, err))
            return false;
        progress_count(&progress, (simulation->sent_until - from) / INSTANT_PER_HOUR, (now - from) / INSTANT_PER_HOUR,
                       "hours");
    }
    progress_end(&progress, "%ld events sent, %zu geos", (long)simulation->sent, simulation->city->cells_count);
    return true;
}

static bool follow(Simulation *simulation, Error *err)
{
    while (!stopped) {
        nanosleep(&(struct timespec){.tv_sec = FOLLOW_INTERVAL_MS / 1000}, NULL);
        Instant now = cli_now();
        if (now > simulation->sent_until && !send_until(simulation, now, err))
            return false;
    }
    return true;
}

static bool simulate(Simulation *simulation, int weeks, bool stay, Error *err)
{
    bool found;
    const char *resolution = cli_env("RUSHCAST_H3_RESOLUTION", "7");
    if (!read_state(simulation, &found, err))
        return false;
    if (!found) {
        simulation->first_hour = hour_of(cli_now()) - weeks * HOURS_PER_WEEK;
        simulation->sent_until = hour_start(simulation->first_hour);
    }
    if (!service_area_load(cli_env("RUSHCAST_SERVICE_AREA", "deploy/city/service-area.json"), simulation->arena,
                           &simulation->area, err) ||
        !city_new(simulation->seed, &simulation->area, atoi(resolution), simulation->first_hour, simulation->arena,
                  &simulation->city, err) ||
        !kafka_producer_new(cli_env("RUSHCAST_KAFKA_BROKERS", "127.0.0.1:19092"),
                            cli_env("RUSHCAST_KAFKA_TOPIC", "orders.raw"), &simulation->producer, err))
        return false;
    return fill_sources(simulation, err) && catch_up(simulation, err) && (!stay || follow(simulation, err));
}

int cli_simulate(int argc, char **argv)
{
    static const struct option options[] = {
        {"state", required_argument, NULL, 's'}, {"weeks", required_argument, NULL, 'w'},
        {"seed", required_argument, NULL, 'r'},  {"follow", no_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},        {0}};
    Simulation simulation = {.seed = 1};
    int weeks = 12, option;
    bool stay = false;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 's':
            simulation.state_path = optarg;
            break;
        case 'w':
            weeks = atoi(optarg);
            break;
        case 'r':
            simulation.seed = strtoull(optarg, NULL, 10);
            break;
        case 'f':
            stay = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        default:
            fputs(usage, stderr);
            return 2;
        }
    }
    if (optind != argc || !simulation.state_path || weeks < 1 || weeks > SIMULATION_WEEKS_MAX) {
        fputs(usage, stderr);
        return 2;
    }
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);

    Error err = {0};
    simulation.arena = arena_new();
    simulation.step_arena = arena_new();
    bool done = clock_init(getenv("RUSHCAST_NOW"), &err) && simulate(&simulation, weeks, stay, &err);
    kafka_producer_free(simulation.producer);
    pg_pool_free(simulation.company);
    arena_free(simulation.step_arena);
    arena_free(simulation.arena);
    return done ? 0 : cli_failure("simulate", &err);
}
