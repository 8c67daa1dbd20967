/* poll() on the caller's descriptors that runs a loop while it waits: for a client without a thread of its own.
 *
 * The descriptors are in an epoll set, and that is what the loop watches: watched by libuv itself they would
 * become non-blocking, for everybody who shares the terminal or pipe behind them.
 *
 * Thread: the loop's. */
#pragma once
#include "base/err.h"
#include "sync/xmtui/client.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct poll_set {
    int epoll_fd;
    uv_poll_t handle;
    uv_timer_t timer;
    struct pollfd watched[XM_POLL_MAX]; /* what the epoll set has */
    size_t n_watched;
    bool ready, over;
};

/* ERR_IO, with nothing left behind. */
int poll_set_open(struct poll_set *set, uv_loop_t *loop, struct err *err);
/* The loop runs its close callbacks once more after this. */
void poll_set_close(struct poll_set *set);

/* Runs the loop until a descriptor is ready, `enough` says so, or timeout_ms are over (< 0: never; 0: what there is
 * to do is done without waiting).  Returns how many descriptors are ready, with revents as from poll(), or -1 with
 * errno.  A signal does not end it. */
int poll_set_wait(struct poll_set *set, struct pollfd *fds, size_t n, int timeout_ms, bool (*enough)(void *ctx),
                  void *ctx);
