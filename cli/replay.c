#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "cli/cli.h"
#include "cli/event_file.h"
#include "cli/progress.h"
#include "cli/stack.h"
#include "cli/state_file.h"
#include "common/buffer.h"
#include "common/clock.h"
#include "common/kafka_producer.h"

enum { MESSAGE_LIMIT_BYTES = 4096, PRODUCE_DEADLINE_MS = 30000, PAUSE_MOST_MS = 500 };

static const double speed_most = 1e6;

static const char usage[] =
    "Usage: rushcast replay --events FILE [OPTION...]\n\n"
    "Sends each row of a CSV file (columns event_id, ts_utc, lat, lon; plain or gzip) as an order_created event into\n"
    "Kafka, with the event's id as the order's. The file is checked whole before anything is sent. Sending it again\n"
    "changes nothing: an order is counted once.\n\n"
    "  --events FILE    the file\n"
    "  --speed max|N    as fast as possible (the default), or N times as fast as it happened\n"
    "  --shift-to-now   move all events by whole weeks so that the last one lies in the past week, as seen\n"
    "                   from RUSHCAST_NOW when that is an instant\n"
    "  --state FILE     remember there by how much they were moved and whether all were sent: the next call goes on "
    "with\n"
    "                   the same shift, or does nothing\n\n"
    "Environment: RUSHCAST_KAFKA_BROKERS (127.0.0.1:19092) or RUSHCAST_KAFKA_PORT, RUSHCAST_KAFKA_TOPIC "
    "(orders.raw).\n";

typedef struct Replay {
    const char *path, *state_path; /* state_path NULL: nothing is remembered */
    double speed;                  /* 0: as fast as possible */
    bool shift_to_now;
    int64_t rows;
    Instant first, last, shift;
} Replay;

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
    (void)signal_number;
    stopped = 1;
}

static bool read_state(const Replay *replay, Instant *ret_shift, bool *ret_found, bool *ret_done, Error *err)
{
    char line[STATE_LINE_MAX], progress[8];
    long long shift;
    *ret_found = *ret_done = false;
    if (!replay->state_path || !state_file_read(replay->state_path, line, ret_found, err))
        return !replay->state_path;
    if (!*ret_found)
        return true;
    if (sscanf(line, "shift %lld %7s", &shift, progress) != 2)
        return error_set(err, ERROR_MALFORMED, "%s is not a replay's state; remove it to begin anew",
                         replay->state_path);
    *ret_shift = shift;
    *ret_done = strcmp(progress, "done") == 0;
    return true;
}

static bool write_state(const Replay *replay, const char *progress, Error *err)
{
    char line[STATE_LINE_MAX];
    snprintf(line, sizeof line, "shift %lld %s", (long long)replay->shift, progress);
    return !replay->state_path || state_file_write(replay->state_path, line, err);
}

static Instant whole_weeks_to_now(Instant last)
{
    const Instant week = HOURS_PER_WEEK * INSTANT_PER_HOUR;
    Instant gap = cli_now() - last;
    return gap >= 0 ? gap / week * week : -((-gap + week - 1) / week * week);
}

static bool check_file(Replay *replay, Error *err)
{
    Progress progress;
    progress_begin(&progress, "checking the file");
    EventFile *file;
    if (!event_file_open(replay->path, &file, err))
        return false;
    FileEvent event;
    bool more, good;
    while ((good = event_file_next(file, &event, &more, err)) && more && !stopped) {
        if (replay->rows == 0 || event.at < replay->first)
            replay->first = event.at;
        if (replay->rows == 0 || event.at > replay->last)
            replay->last = event.at;
        replay->rows++;
        progress_count(&progress, replay->rows, 0, "events");
    }
    event_file_close(file);
    if (!good)
        return false;
    if (replay->rows == 0)
        return error_set(err, ERROR_MALFORMED, "%s has no events", replay->path);
    if (replay->shift_to_now)
        replay->shift = whole_weeks_to_now(replay->last);
    char from[INSTANT_TEXT_MAX], to[INSTANT_TEXT_MAX];
    instant_format(replay->first + replay->shift, from);
    instant_format(replay->last + replay->shift, to);
    progress_end(&progress, "%ld events, %s to %s", (long)replay->rows, from, to);
    return true;
}

static void wait_until_due(const Replay *replay, Instant at, double started_s)
{
    double due_s = started_s + (double)(at - replay->first) / 1e6 / replay->speed;
    for (double left_s; !stopped && (left_s = due_s - clock_monotonic_s()) > 0;) {
        long ms = left_s * 1000 > PAUSE_MOST_MS ? PAUSE_MOST_MS : (long)(left_s * 1000) + 1;
        nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
    }
}

static void write_message(const Replay *replay, const FileEvent *event, Buffer *message)
{
    char at[INSTANT_TEXT_MAX];
    instant_format(event->at + replay->shift, at);
    buffer_clear(message);
    buffer_append_text(message, "{\"event_id\":");
    buffer_append_json_string(message, event->event_id);
    buffer_append_text(message, ",\"event_type\":\"order_created\",\"order_id\":");
    buffer_append_json_string(message, event->event_id);
    buffer_printf(message, ",\"occurred_at\":\"%s\",\"location\":{\"lat\":%.9g,\"lon\":%.9g}}", at, event->lat,
                  event->lon);
}

static bool send_file(const Replay *replay, EventFile *file, KafkaProducer *producer, Error *err)
{
    Progress progress;
    progress_begin(&progress, "sending");
    BUFFER_SCOPED Buffer message = {0};
    buffer_init(&message, MESSAGE_LIMIT_BYTES);
    FileEvent event;
    int64_t sent = 0;
    double started_s = clock_monotonic_s();
    for (bool more; !stopped; sent++) {
        if (!event_file_next(file, &event, &more, err))
            return false;
        if (!more)
            break;
        if (replay->speed > 0)
            wait_until_due(replay, event.at, started_s);
        write_message(replay, &event, &message);
        if (!buffer_ok(&message, err) || !kafka_produce(producer, event.event_id, strlen(event.event_id), message.data,
                                                        message.length_bytes, PRODUCE_DEADLINE_MS, err))
            return false;
        progress_count(&progress, sent, replay->rows, "events");
    }
    if (!kafka_producer_flush(producer, PRODUCE_DEADLINE_MS, err))
        return false;
    progress_end(&progress, "%ld events acknowledged by Kafka", (long)kafka_producer_acknowledged(producer));
    return !stopped || error_set(err, ERROR_UNAVAILABLE,
                                 "interrupted after %ld of %ld events; send the file again to "
                                 "complete it",
                                 (long)sent, (long)replay->rows);
}

static bool replay_file(Replay *replay, Error *err)
{
    bool found, done_before;
    if (!read_state(replay, &replay->shift, &found, &done_before, err))
        return false;
    if (done_before)
        return true;
    replay->shift_to_now = replay->shift_to_now && !found;
    if (!check_file(replay, err) || !write_state(replay, "begun", err))
        return false;
    EventFile *file = NULL;
    KafkaProducer *producer = NULL;
    stack_set_environment();
    bool done = event_file_open(replay->path, &file, err) &&
                kafka_producer_new(getenv("RUSHCAST_KAFKA_BROKERS"), cli_env("RUSHCAST_KAFKA_TOPIC", "orders.raw"),
                                   &producer, err) &&
                send_file(replay, file, producer, err) && write_state(replay, "done", err);
    kafka_producer_free(producer);
    event_file_close(file);
    return done;
}

int cli_replay(int argc, char **argv)
{
    static const struct option options[] = {
        {"events", required_argument, NULL, 'e'}, {"speed", required_argument, NULL, 's'},
        {"shift-to-now", no_argument, NULL, 'n'}, {"state", required_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},         {0}};
    Replay replay = {0};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'e':
            replay.path = optarg;
            break;
        case 's': {
            char *end = optarg;
            replay.speed = strcmp(optarg, "max") == 0 ? 0 : strtod(optarg, &end);
            if (strcmp(optarg, "max") != 0 && (*end || !(replay.speed > 0 && replay.speed <= speed_most))) {
                fprintf(stderr, "rushcast replay: --speed is \"%s\": max or a number above 0 is needed\n", optarg);
                return 2;
            }
            break;
        }
        case 'n':
            replay.shift_to_now = true;
            break;
        case 'f':
            replay.state_path = optarg;
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        default:
            fputs(usage, stderr);
            return 2;
        }
    }
    if (optind != argc || !replay.path) {
        fputs(usage, stderr);
        return 2;
    }
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    Error err = {0};
    return clock_init(getenv("RUSHCAST_NOW"), &err) && replay_file(&replay, &err) ? 0 : cli_failure("replay", &err);
}
