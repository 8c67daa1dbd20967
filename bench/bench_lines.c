/* How long a line-JSON program takes to answer requests one by one: each goes out when the one before is answered.
 *
 * bench-lines UNTIMED COMMAND ARGUMENTS... <REQUESTS
 *
 * Starts the command, sends it the lines of standard input and prints its answers, then one line of its own:
 * {"ms":TIME,"residentKiB":MEMORY}, the time without that of the first UNTIMED requests.  The command is to give one
 * line for each request and nothing else.  In C, and with reads that block: what the asking costs is in every round,
 * and an event loop of JavaScript made it an eighth of the quicker program's. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ALARM_S 600 /* a program that hangs ends the measurement */

struct peer {
    pid_t pid;
    int requests; /* what it reads */
    FILE *answers;
};

static void die(const char *what)
{
    fprintf(stderr, "bench-lines: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void die_unanswered(void)
{
    fprintf(stderr, "bench-lines: the command ended before its answer\n");
    exit(1);
}

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static struct peer start(char **command)
{
    int in[2], out[2];
    struct peer p;

    if (pipe(in) != 0 || pipe(out) != 0)
        die("pipe");
    p.pid = fork();
    if (p.pid < 0)
        die("fork");
    if (p.pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[0]), close(in[1]), close(out[0]), close(out[1]);
        execvp(command[0], command);
        die(command[0]);
    }
    close(in[0]);
    close(out[1]);
    p.requests = in[1];
    p.answers = fdopen(out[0], "r");
    if (p.answers == NULL)
        die("fdopen");
    return p;
}

static void send_line(const struct peer *p, const char *line, size_t n)
{
    while (n > 0) {
        ssize_t written = write(p->requests, line, n);

        if (written < 0 && errno != EINTR)
            die("write");
        if (written > 0) {
            line += written;
            n -= (size_t)written;
        }
    }
}

static long resident_kib(pid_t pid)
{
    char path[64], line[256];
    long kib = -1;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    f = fopen(path, "r");
    if (f == NULL)
        die(path);
    while (kib < 0 && fgets(line, sizeof line, f) != NULL)
        sscanf(line, "VmRSS: %ld", &kib);
    fclose(f);
    return kib;
}

/* Sends what standard input has, one by one, and keeps the answers; the time since the `untimed` first ones. */
static double ask_all(const struct peer *p, long untimed, FILE *answers)
{
    char *request = NULL, *answer = NULL;
    size_t request_cap = 0, answer_cap = 0;
    double begun = now_ms();
    ssize_t n;

    while ((n = getline(&request, &request_cap, stdin)) > 0) {
        send_line(p, request, (size_t)n);
        if ((n = getline(&answer, &answer_cap, p->answers)) <= 0)
            die_unanswered();
        fwrite(answer, 1, (size_t)n, answers);
        if (untimed > 0 && --untimed == 0)
            begun = now_ms();
    }
    free(request);
    free(answer);
    return now_ms() - begun;
}

static void stop(struct peer *p)
{
    int status;

    close(p->requests);
    if (waitpid(p->pid, &status, 0) != p->pid || status != 0) {
        fprintf(stderr, "bench-lines: the command ended with status %d\n", status);
        exit(1);
    }
    fclose(p->answers);
}

int main(int argc, char **argv)
{
    char *all = NULL;
    size_t all_len = 0;
    FILE *answers;
    struct peer p;
    double ms;
    long kib;

    if (argc < 3) {
        fprintf(stderr, "usage: bench-lines UNTIMED COMMAND ARGUMENTS... <REQUESTS\n");
        return 2;
    }
    if ((answers = open_memstream(&all, &all_len)) == NULL)
        die("open_memstream");
    alarm(ALARM_S);
    p = start(argv + 2);
    ms = ask_all(&p, strtol(argv[1], NULL, 10), answers);
    kib = resident_kib(p.pid);
    stop(&p);
    fclose(answers);
    fwrite(all, 1, all_len, stdout);
    printf("{\"ms\":%.3f,\"residentKiB\":%ld}\n", ms, kib);
    free(all);
    return fflush(stdout) == 0 ? 0 : 1;
}
