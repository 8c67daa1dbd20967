/* The full-screen program. */
#pragma once
#include "sync/xmtui/client.h"

#include <stdbool.h>

struct ui_options {
    struct xm_options client; /* home, env, node and keys as from the command line */
    const char *wallet_key;   /* hex, from an option or the environment, for the set-up; NULL none */
};

/* Runs until the person leaves; the terminal is restored on every way out.  Returns the exit status:
 * 0, also after SIGTERM and SIGHUP; 1 where there is no terminal (said on standard error).  Expects
 * setlocale() to have been called.  Thread: the one that owns the terminal. */
int ui_run(const struct ui_options *options);
