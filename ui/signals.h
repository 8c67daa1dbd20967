/* Signals as bytes in a pipe that the loop polls, and the terminal's rescue when the program dies.
 *
 * Handlers do nothing but write a byte, except those of crashes, which restore the terminal with
 * what was prepared before and then die by the same signal.  Thread: set up by the UI's; a handler
 * may run on any. */
#pragma once
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

struct signals {
    int fd;           /* readable while signals wait; one byte each, the signal's number */
    int write_fd;
    struct sigaction old[32];
};

/* Notes the settings of the terminal's line for the rescue, so call before they are changed.  Catches
 * SIGTERM, SIGHUP, SIGINT, SIGWINCH, SIGTSTP, SIGCONT, SIGUSR1; ignores SIGPIPE.  False: no pipe. */
bool signals_start(struct signals *s);
void signals_stop(struct signals *s);
/* The next caught signal, 0 when none waits. */
int signals_next(struct signals *s);
/* Really stops this process, as Ctrl-Z would; returns when it is continued. */
void signals_suspend(void);

/* What a crash, or another signal that ends the program, writes to the terminal before it dies.  NULL turns it off. */
void signals_rescue(const char *restore);
