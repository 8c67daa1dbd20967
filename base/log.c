#include "base/log.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static atomic_int log_fd = -1;
static atomic_int log_threshold = LOG_WARN;
static const char *const level_names[] = {"error", "warn", "info", "debug"};

static char log_path[PATH_MAX]; /* "": none */

int log_open(const char *path, enum log_level level, struct err *err)
{
    int fd = -1, old;

    if (path) {
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (fd < 0)
            return err_set(err, ERR_IO, "opening log %s: %s", path, strerror(errno));
    }
    if (path != log_path)
        snprintf(log_path, sizeof log_path, "%s", path ? path : "");
    atomic_store(&log_threshold, (int)level);
    old = atomic_exchange(&log_fd, fd);
    if (old > STDERR_FILENO)
        close(old);
    return 0;
}

void log_reopen(void)
{
    if (*log_path)
        log_open(log_path, (enum log_level)atomic_load(&log_threshold), NULL);
}

void log_to_stderr(enum log_level level)
{
    atomic_store(&log_threshold, (int)level);
    atomic_store(&log_fd, STDERR_FILENO);
}

int log_level_parse(const char *name)
{
    for (int i = 0; i <= LOG_DEBUG; i++)
        if (strcmp(name, level_names[i]) == 0)
            return i;
    return -1;
}

static size_t make_printable(const char *from, char *to, size_t room)
{
    size_t n = 0;

    for (; *from && n + 5 < room; from++) {
        unsigned char c = (unsigned char)*from;

        if (c >= 0x20 && c <= 0x7e)
            to[n++] = (char)c;
        else
            n += (size_t)snprintf(to + n, room - n, "\\x%02x", c);
    }
    return n;
}

void log_line(enum log_level level, const char *module, const char *fmt, ...)
{
    char text[1024], line[2048];
    struct timespec now;
    struct tm tm;
    va_list ap;
    size_t n;
    int fd = atomic_load(&log_fd);

    if (fd < 0 || (int)level > atomic_load(&log_threshold))
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    n = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &tm);
    n += (size_t)snprintf(line + n, sizeof line - n, ".%03ldZ %s %s: ", now.tv_nsec / 1000000, level_names[level],
                          module);
    n += make_printable(text, line + n, sizeof line - n - 1);
    line[n++] = '\n';
    if (write(fd, line, n) < 0) {
        /* A log that cannot be written must not stop the program. */
    }
}
