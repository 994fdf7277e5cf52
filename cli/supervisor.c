#include "cli/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "common/clock.h"

enum { LOG_LIMIT_BYTES = 64 << 20, LOG_TAIL_BYTES = 400, TICK_MS = 50, STARTS_MOST = 3, EXIT_NOT_STARTED = 127 };

static const double healthy_after_s = 60, restart_most_s = 30, log_check_s = 30;

static void rest(void)
{
    nanosleep(&(struct timespec){.tv_nsec = TICK_MS * 1000000L}, NULL);
}

/* Output: log file, or /dev/null when NULL, or inherited when "-". */
static pid_t spawn(const char *const argv[], const char *output)
{
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    /* A group of its own: Ctrl-C reaches the supervisor only, which stops the others in order. */
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(EXIT_NOT_STARTED);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    int input = open("/dev/null", O_RDONLY);
    dup2(input, STDIN_FILENO);
    if (!output || strcmp(output, "-") != 0) {
        int file = open(output ? output : "/dev/null", O_WRONLY | O_CREAT | O_APPEND, 0644);
        dup2(file, STDOUT_FILENO);
        dup2(file, STDERR_FILENO);
    }
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
    _exit(EXIT_NOT_STARTED);
}

bool supervisor_start(Supervisor *supervisor, const Process *process, Error *err)
{
    if (supervisor->count == SUPERVISOR_PROCESSES_MAX)
        return error_set(err, ERROR_INTERNAL, "more than %d processes to run", SUPERVISOR_PROCESSES_MAX);
    Process *own = &supervisor->processes[supervisor->count++];
    *own = *process;
    snprintf(own->log_path, sizeof own->log_path, "%s/%s.log", supervisor->log_dir, own->name);
    own->started_s = clock_monotonic_s();
    own->pid = spawn(own->argv, own->log_path);
    if (own->pid > 0)
        return true;
    own->pid = 0;
    return error_set(err, ERROR_INTERNAL, "%s can't be started: %s", own->name, strerror(errno));
}

static void limit_log(const Process *process)
{
    struct stat status;
    if (stat(process->log_path, &status) == 0 && status.st_size > LOG_LIMIT_BYTES &&
        truncate(process->log_path, 0) == 0)
        printf("%s was emptied: it had passed %d MiB\n", process->log_path, LOG_LIMIT_BYTES >> 20);
}

static const char *describe_status(int status, char *text, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(text, size, "was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(text, size, "ended with status %d", WEXITSTATUS(status));
    return text;
}

void supervisor_tick(Supervisor *supervisor)
{
    double now_s = clock_monotonic_s();
    for (size_t i = 0; i < supervisor->count; i++) {
        Process *process = &supervisor->processes[i];
        int status;
        char text[96];
        if (process->pid > 0 && waitpid(process->pid, &status, WNOHANG) == process->pid) {
            process->pid = 0;
            process->restarts = now_s - process->started_s > healthy_after_s ? 0 : process->restarts + 1;
            double wait_s = 1 << (process->restarts < 5 ? process->restarts : 5);
            process->restart_at_s = now_s + (wait_s < restart_most_s ? wait_s : restart_most_s);
            printf("\n%s %s; starting it again in %.0f s (%s)\n", process->name,
                   describe_status(status, text, sizeof text), process->restart_at_s - now_s, process->log_path);
            fflush(stdout);
        }
        if (process->pid == 0 && now_s >= process->restart_at_s) {
            process->started_s = now_s;
            process->restart_at_s = now_s + restart_most_s;
            pid_t pid = spawn(process->argv, process->log_path);
            process->pid = pid > 0 ? pid : 0;
        }
    }
    if (now_s - supervisor->logs_checked_s > log_check_s) {
        supervisor->logs_checked_s = now_s;
        for (size_t i = 0; i < supervisor->count; i++)
            limit_log(&supervisor->processes[i]);
    }
}

void supervisor_stop(Supervisor *supervisor, bool (*hurry)(void))
{
    for (size_t i = supervisor->count; i-- > 0;) {
        Process *process = &supervisor->processes[i];
        if (process->pid <= 0)
            continue;
        kill(process->pid, process->stop_signal ? process->stop_signal : SIGTERM);
        double deadline_s = clock_monotonic_s() + process->stop_deadline_ms / 1e3;
        while (waitpid(process->pid, NULL, WNOHANG) == 0) {
            if (clock_monotonic_s() > deadline_s || hurry()) {
                kill(-process->pid, SIGKILL);
                waitpid(process->pid, NULL, 0);
                break;
            }
            rest();
        }
        process->pid = 0;
    }
}

static void append_log_tail(const char *path, Error *err)
{
    char tail[LOG_TAIL_BYTES + 1] = "";
    FILE *file = fopen(path, "r");
    if (!file)
        return;
    if (fseek(file, -LOG_TAIL_BYTES, SEEK_END) != 0)
        rewind(file);
    size_t length = fread(tail, 1, LOG_TAIL_BYTES, file);
    fclose(file);
    while (length > 0 && tail[length - 1] == '\n')
        length--;
    tail[length] = '\0';
    size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, "; the end of %s:\n%s", path, tail);
}

bool supervisor_fails(const Supervisor *supervisor, const char *name, Error *err)
{
    for (size_t i = 0; i < supervisor->count; i++) {
        const Process *process = &supervisor->processes[i];
        if (strcmp(process->name, name) != 0 || process->restarts < STARTS_MOST)
            continue;
        error_set(err, ERROR_UNAVAILABLE, "%s ended %d times at its start", name, process->restarts);
        append_log_tail(process->log_path, err);
        return true;
    }
    return false;
}

bool supervisor_run(Supervisor *supervisor, const char *const argv[], const char *log_name, bool (*tick)(void),
                    Error *err)
{
    char log_path[512] = "-";
    if (log_name)
        snprintf(log_path, sizeof log_path, "%s/%s.log", supervisor->log_dir, log_name);
    pid_t pid = spawn(argv, log_path);
    if (pid < 0)
        return error_set(err, ERROR_INTERNAL, "%s can't be started: %s", argv[0], strerror(errno));
    int status;
    bool asked = false;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        supervisor_tick(supervisor);
        if (!tick() && !asked) {
            kill(pid, SIGTERM);
            asked = true;
        }
        rest();
    }
    if (asked)
        return error_set(err, ERROR_UNAVAILABLE, "interrupted");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    char text[96];
    error_set(err, ERROR_INTERNAL, "%s %s %s", argv[0], argv[1] ? argv[1] : "",
              describe_status(status, text, sizeof text));
    if (log_name)
        append_log_tail(log_path, err);
    return false;
}

bool supervisor_probe(const char *const argv[])
{
    pid_t pid = spawn(argv, NULL);
    int status;
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
