#include "sync/poll_set.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static void on_ready(uv_poll_t *handle, int status, int events)
{
    struct poll_set *set = handle->data;

    (void)status;
    (void)events;
    set->ready = true;
}

static void on_over(uv_timer_t *timer)
{
    struct poll_set *set = timer->data;

    set->over = true;
}

int poll_set_open(struct poll_set *set, uv_loop_t *loop, struct err *err)
{
    int r;

    *set = (struct poll_set){.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
    if (set->epoll_fd < 0)
        return err_set(err, ERR_IO, "epoll: %s", strerror(errno));
    if ((r = uv_poll_init(loop, &set->handle, set->epoll_fd)) != 0) {
        close(set->epoll_fd);
        return err_set(err, ERR_IO, "epoll: %s", uv_strerror(r));
    }
    uv_timer_init(loop, &set->timer);
    set->handle.data = set->timer.data = set;
    uv_poll_start(&set->handle, UV_READABLE, on_ready);
    return 0;
}

void poll_set_close(struct poll_set *set)
{
    uv_close((uv_handle_t *)&set->handle, NULL); /* stops watching at once */
    uv_close((uv_handle_t *)&set->timer, NULL);
    close(set->epoll_fd);
}

/* A file and /dev/null are not for epoll: they are always ready. */
static bool always_ready(const struct pollfd *fd)
{
    return fd->fd >= 0 && fd->events && fd->revents == POLLNVAL;
}

/* What the set has is what was asked for last; most often that has not changed. */
static void watch(struct poll_set *set, const struct pollfd *fds, size_t n)
{
    bool same = n == set->n_watched;

    for (size_t i = 0; same && i < n; i++)
        same = fds[i].fd == set->watched[i].fd && fds[i].events == set->watched[i].events;
    if (same)
        return;
    for (size_t i = 0; i < set->n_watched; i++)
        if (set->watched[i].fd >= 0)
            epoll_ctl(set->epoll_fd, EPOLL_CTL_DEL, set->watched[i].fd, NULL);
    for (size_t i = 0; i < n; i++) {
        struct epoll_event event = {.events = (fds[i].events & POLLIN ? EPOLLIN : 0u) |
                                              (fds[i].events & POLLOUT ? EPOLLOUT : 0u)};

        set->watched[i] = fds[i];
        set->watched[i].revents = 0;
        if (fds[i].fd >= 0 && epoll_ctl(set->epoll_fd, EPOLL_CTL_ADD, fds[i].fd, &event) != 0)
            set->watched[i].revents = POLLNVAL;
    }
    set->n_watched = n;
}

int poll_set_wait(struct poll_set *set, struct pollfd *fds, size_t n, int timeout_ms, bool (*enough)(void *ctx),
                  void *ctx)
{
    assert(n <= XM_POLL_MAX);
    watch(set, fds, n);
    set->ready = set->over = false;
    for (size_t i = 0; i < n; i++)
        set->ready |= always_ready(&set->watched[i]);
    if (set->ready || timeout_ms == 0 || enough(ctx)) {
        uv_run(set->handle.loop, UV_RUN_NOWAIT);
    } else {
        if (timeout_ms > 0) {
            uv_update_time(set->handle.loop);
            uv_timer_start(&set->timer, on_over, (uint64_t)timeout_ms, 0);
        }
        while (!set->ready && !set->over && !enough(ctx))
            uv_run(set->handle.loop, UV_RUN_ONCE);
        uv_timer_stop(&set->timer);
    }
    if (set->ready)
        return poll(fds, (nfds_t)n, 0);
    for (size_t i = 0; i < n; i++)
        fds[i].revents = 0;
    return 0;
}
