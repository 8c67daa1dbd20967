#include "ui/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static const int caught[] = {SIGTERM, SIGHUP, SIGINT, SIGWINCH, SIGTSTP, SIGCONT, SIGUSR1};
/* Crashes, and whatever else ends a program that does not ask for it. */
static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGQUIT, SIGTRAP, SIGSYS, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU, SIGXFSZ, SIGUSR2};
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* Handlers have no argument of ours, so what they need is here. */
static volatile sig_atomic_t pipe_fd = -1;
static char rescue[512];
static volatile sig_atomic_t rescue_len;
static struct termios rescue_line;
static volatile sig_atomic_t have_line;

static void on_signal(int number)
{
    int saved = errno;
    unsigned char byte = (unsigned char)number;

    if (pipe_fd >= 0 && write(pipe_fd, &byte, 1) < 0) {
        /* a full pipe holds enough to wake the loop */
    }
    errno = saved;
}

static void on_crash(int number)
{
    if (rescue_len > 0 && write(STDOUT_FILENO, rescue, (size_t)rescue_len) < 0) {
        /* nothing better can be done */
    }
    if (have_line)
        tcsetattr(STDIN_FILENO, TCSANOW, &rescue_line);
    signal(number, SIG_DFL);
    raise(number);
}

bool signals_start(struct signals *s)
{
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    int fds[2];

    if (pipe(fds) != 0)
        return false;
    for (int i = 0; i < 2; i++) {
        fcntl(fds[i], F_SETFD, FD_CLOEXEC);
        fcntl(fds[i], F_SETFL, O_NONBLOCK);
    }
    have_line = tcgetattr(STDIN_FILENO, &rescue_line) == 0;
    s->fd = fds[0];
    s->write_fd = fds[1];
    pipe_fd = fds[1];
    sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < COUNT(caught); i++)
        sigaction(caught[i], &act, &s->old[caught[i]]);
    sigaction(SIGPIPE, &ignore, &s->old[SIGPIPE]);
    return true;
}

void signals_stop(struct signals *s)
{
    signals_rescue(NULL);
    for (size_t i = 0; i < COUNT(caught); i++)
        sigaction(caught[i], &s->old[caught[i]], NULL);
    pipe_fd = -1;
    close(s->fd);
    close(s->write_fd);
}

int signals_next(struct signals *s)
{
    unsigned char byte;

    return read(s->fd, &byte, 1) == 1 ? byte : 0;
}

void signals_suspend(void)
{
    struct sigaction act = {.sa_handler = SIG_DFL}, old;

    sigaction(SIGTSTP, &act, &old);
    raise(SIGTSTP);
    sigaction(SIGTSTP, &old, NULL);
}

void signals_rescue(const char *restore)
{
    struct sigaction act = {.sa_handler = restore ? on_crash : SIG_DFL, .sa_flags = (int)SA_RESETHAND | SA_NODEFER};

    sigemptyset(&act.sa_mask);
    if (restore) {
        snprintf(rescue, sizeof rescue, "%s", restore);
        rescue_len = (sig_atomic_t)strlen(rescue);
    }
    for (size_t i = 0; i < COUNT(crashes); i++) {
        struct sigaction old;

        sigaction(crashes[i], NULL, &old);
        /* a sanitizer's own handler has more to say */
        if (old.sa_handler == SIG_DFL || old.sa_handler == on_crash)
            sigaction(crashes[i], &act, NULL);
    }
    if (!restore)
        rescue_len = 0;
}
