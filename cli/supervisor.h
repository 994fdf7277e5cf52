/* Child processes kept running: started with their output in a log file, restarted with backoff when they end, stopped
 * in reverse order. They end with this process, however it ends. Single-threaded. */
#pragma once

#include <sys/types.h>
#include "common/error.h"

enum { SUPERVISOR_PROCESSES_MAX = 16, SUPERVISOR_ARGUMENTS_MAX = 8 };

typedef struct Process {
    const char *name;
    const char *argv[SUPERVISOR_ARGUMENTS_MAX]; /* NULL-terminated; not copied */
    int stop_signal;                            /* 0: SIGTERM */
    int stop_deadline_ms;
    pid_t pid;    /* 0: not running */
    int restarts; /* in a row, without having run for a minute */
    double started_s, restart_at_s;
    char log_path[512];
} Process;

typedef struct Supervisor {
    const char *log_dir;
    Process processes[SUPERVISOR_PROCESSES_MAX];
    size_t count;
    double logs_checked_s;
} Supervisor;

/* Copies the row, starts it with output appended to <log_dir>/<name>.log. */
bool supervisor_start(Supervisor *supervisor, const Process *process, Error *err) MUST_CHECK;
/* Notices ended children and restarts them when their time has come, keeps log files below their limit. Call often. */
void supervisor_tick(Supervisor *supervisor);
/* Whether that process has ended again and again without having run for a minute; the error shows its log's end. */
bool supervisor_fails(const Supervisor *supervisor, const char *name, Error *err) MUST_CHECK;
/* Stops all, last started first; a second interrupt (`hurry` returns true) kills the rest at once. */
void supervisor_stop(Supervisor *supervisor, bool (*hurry)(void));
/* Runs a program to its end, output to the log file, or to ours when `log_name` is NULL; `tick` is called meanwhile and
 * may return false to end it. Fails with the exit status and the log's last lines. */
bool supervisor_run(Supervisor *supervisor, const char *const argv[], const char *log_name, bool (*tick)(void),
                    Error *err) MUST_CHECK;
/* Exit status 0, silently. */
bool supervisor_probe(const char *const argv[]);
