/* Exit statuses of xmtui (interface: exit status).  Thread: any. */
#pragma once
#include "sync/xmtui/client.h"

enum exit_status {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NOT_FOUND = 3,
    EXIT_NO_NETWORK = 4,
    EXIT_LOCKED = 5,
    EXIT_BAD_KEY = 6,
    EXIT_REFUSED = 7,
    EXIT_INTERRUPTED = 130
};

/* The status for a failed call, after one line on standard error that says what and why. */
int exit_complain(const struct xm_error *error);
