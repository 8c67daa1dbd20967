#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* F_OFD_SETLK */
#endif
#include "store/lock.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Written with spaces to a fixed width, so that a shorter pid leaves nothing of a longer one. */
#define PID_WIDTH 20

/* Who says in the file that it holds the lock; 0: nobody who could be. */
static long holder(int fd)
{
    char text[PID_WIDTH + 1] = {0};
    long pid;

    if (pread(fd, text, PID_WIDTH, 0) <= 0)
        return 0;
    pid = strtol(text, NULL, 10);
    return pid > 0 && pid <= INT_MAX ? pid : 0;
}

static int refuse(int fd, const char *path, struct err *err)
{
    long pid = holder(fd);

    return pid ? err_set(err, ERR_LOCKED, "in use by process %ld (%s)", pid, path)
               : err_set(err, ERR_LOCKED, "in use by another process (%s)", path);
}

/* An open-file-description lock where the system has it: unlike the older kind it is not lost when the
 * process closes another descriptor of the same file. */
static int set_lock(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

#ifdef F_OFD_SETLK
    return fcntl(fd, F_OFD_SETLK, &lock);
#else
    return fcntl(fd, F_SETLK, &lock);
#endif
}

int lock_take(const char *path, int *out, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    char text[PID_WIDTH + 2];
    int r;

    if (fd < 0)
        return err_set(err, ERR_IO, "opening %s: %s", path, strerror(errno));
    if (set_lock(fd) != 0) {
        if (errno == EAGAIN || errno == EACCES)
            r = refuse(fd, path, err);
        else
            r = err_set(err, ERR_IO, "locking %s: %s", path, strerror(errno));
        close(fd);
        return r;
    }
    snprintf(text, sizeof text, "%-*ld\n", PID_WIDTH, (long)getpid());
    if (pwrite(fd, text, PID_WIDTH + 1, 0) != PID_WIDTH + 1) {
        r = err_set(err, ERR_IO, "writing %s: %s", path, strerror(errno));
        close(fd);
        return r;
    }
    *out = fd;
    return 0;
}

void lock_drop(int fd)
{
    if (fd >= 0)
        close(fd);
}
