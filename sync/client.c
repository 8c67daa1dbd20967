/* The thread and its two queues, behind the public header.
 *
 * The caller's thread puts requests into `down` and takes events from `up`; uv_async_send wakes the
 * loop, an eventfd wakes the caller.  Each request runs as a fiber of its own, so they overlap.
 * Without a thread the same loop runs in the caller's while that waits, and nobody has to be woken.
 *
 * Full queues: `down` refuses the request (XM_FAILED).  `up` has room for the answers of all
 * requests that may be outstanding; notifications stop at NOTIFICATIONS_MAX.  Where the first one of a
 * subscription is dropped stands a `lagged` notification instead, for which there is room too. */
#include "sync/client.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/queue.h"
#include "sync/core.h"
#include "sync/open.h"
#include "sync/poll_set.h"
#include "sync/rpc.h"
#include "sync/streams.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <uv.h>

#define REQUESTS_MAX 1024
#define NOTIFICATIONS_MAX 4096
#define LAGGED_MAX 64 /* subscriptions that are told so; nobody has more */

struct xm_client {
    struct core *core;
    uv_loop_t loop;
    uv_async_t wake;
    pthread_t thread;
    bool thread_runs, loop_here; /* one of them, once it is open */
    struct queue *down, *up;
    int event_fd;            /* with a thread; else -1 */
    struct poll_set polling; /* without */
    atomic_bool stop;
    atomic_uint outstanding; /* requests whose answer the caller has not taken */

    /* caller's thread */
    int64_t last_id;
    struct xm_event *kept, *kept_last; /* came while xm_client_request() waited for another */

    /* background thread */
    json_int_t lagged[LAGGED_MAX]; /* subscriptions that were told since their last notification */
    size_t n_lagged;
};

struct request {
    int64_t id;
    char *method;
    char *params;
    struct xm_client *client;
};

/* The queue's item: the public event first, then the link of the kept list. */
struct event_item {
    struct xm_event event;
    struct event_item *next;
};

static void request_free(void *item)
{
    struct request *request = item;

    if (!request)
        return;
    if (request->params) /* may hold a wallet key on its way to client.init */
        xm_free_secret(request->params, strlen(request->params));
    xm_free(request->method);
    xm_free(request);
}

static void event_item_free(void *item)
{
    xm_event_free(item);
}

/* ---- background thread ---- */

static bool send_up(struct xm_client *client, enum xm_event_kind kind, int64_t id, json_t *json)
{
    struct event_item *item = xm_alloc(sizeof *item);
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    uint64_t one = 1;

    /* A caller waits for its answer, however little memory there is for a good one. */
    if (!text && kind != XM_EVENT_NOTIFICATION) {
        kind = XM_EVENT_ERROR;
        text = xm_strdup("{\"code\":-32603,\"message\":\"out of memory\"}");
    }
    if (!item || !text || (item->event = (struct xm_event){kind, id, text}, !queue_put(client->up, item))) {
        xm_free(item);
        xm_free(text);
        return false;
    }
    while (!client->loop_here && write(client->event_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
    return true;
}

/* Says once to a subscription that from here on something is missing. */
static void tell_lagged(struct xm_client *client, json_int_t subscription)
{
    json_t *mark;

    for (size_t i = 0; i < client->n_lagged; i++)
        if (client->lagged[i] == subscription)
            return;
    if (client->n_lagged == LAGGED_MAX)
        return;
    mark = json_pack("{s:I,s:s,s:{}}", "subscription", subscription, "kind", "lagged", "data");
    if (send_up(client, XM_EVENT_NOTIFICATION, 0, mark))
        client->lagged[client->n_lagged++] = subscription;
    json_decref(mark);
}

/* From the streams, with {"subscription","kind","data"}. */
static void notify_up(void *ctx, json_t *notification)
{
    json_int_t subscription = json_integer_value(json_object_get(notification, "subscription"));
    struct xm_client *client = ctx;

    if (queue_len(client->up) >= NOTIFICATIONS_MAX || !send_up(client, XM_EVENT_NOTIFICATION, 0, notification)) {
        tell_lagged(client, subscription);
        return;
    }
    for (size_t i = 0; i < client->n_lagged; i++)
        if (client->lagged[i] == subscription)
            client->lagged[i] = client->lagged[--client->n_lagged];
}

static void serve(struct core *core, void *ctx)
{
    struct request *request = ctx;
    struct xm_client *client = request->client;
    struct rpc rpc = {.core = core, .store = core->store};
    json_t *error;
    int r;

    rpc.params = request->params ? json_loads(request->params, 0, NULL) : json_object();
    if (!json_is_object(rpc.params))
        r = err_set(&rpc.err, ERR_INVALID, "params must be a JSON object");
    else
        r = rpc_run(&rpc, request->method);
    if (r == 0) {
        send_up(client, XM_EVENT_RESULT, request->id, rpc.result);
    } else {
        error = rpc_error(&rpc, r);
        send_up(client, XM_EVENT_ERROR, request->id, error);
        json_decref(error);
    }
    json_decref(rpc.params);
    json_decref(rpc.result);
    json_decref(rpc.error_data);
    request_free(request);
}

static void on_wake(uv_async_t *wake)
{
    struct xm_client *client = wake->data;
    struct request *request;
    struct err err;

    while ((request = queue_take(client->down))) {
        if (core_spawn(client->core, serve, request, &err) != 0) {
            json_t *error = json_pack("{s:i,s:s}", "code", -32603, "message", err.text);

            send_up(client, XM_EVENT_ERROR, request->id, error);
            json_decref(error);
            request_free(request);
        }
    }
    if (atomic_load(&client->stop) && !uv_is_closing((uv_handle_t *)wake)) {
        uv_close((uv_handle_t *)wake, NULL);
        if (client->loop_here)
            poll_set_close(&client->polling);
        streams_cancel(client->core);
        core_cancel(client->core);
    }
}

/* Until there is nothing left to do, which is after `stop`. */
static void run_to_the_end(struct xm_client *client)
{
    uv_run(&client->loop, UV_RUN_DEFAULT);
    core_close(client->core);
    uv_run(&client->loop, UV_RUN_DEFAULT); /* what closing left: close callbacks */
    fiber_pool_clear();
}

static void *background(void *arg)
{
    struct xm_client *client = arg;

    core_start(client->core);
    run_to_the_end(client);
    return NULL;
}

/* ---- caller's thread ---- */

static int start_thread(struct xm_client *client, struct err *err)
{
    sigset_t all, before;

    client->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (client->event_fd < 0)
        return err_set(err, ERR_IO, "eventfd: %s", strerror(errno));
    /* Signals are the main thread's business. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    client->thread_runs = pthread_create(&client->thread, NULL, background, client) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return client->thread_runs ? 0 : err_set(err, ERR_IO, "no background thread");
}

static int start_here(struct xm_client *client, struct err *err)
{
    int r = poll_set_open(&client->polling, &client->loop, err);

    client->loop_here = r == 0;
    if (r == 0)
        core_start(client->core);
    return r;
}

int xm_client_open(const struct xm_options *options, struct xm_client **out, struct xm_error *error)
{
    struct xm_client *client = xm_alloc(sizeof *client);
    struct err err = {0};
    int r = ERR_NOMEM;

    if (!client)
        return client_fail(error, XM_FAILED, "out of memory");
    client->event_fd = -1;
    uv_loop_init(&client->loop);
    client->down = queue_new(REQUESTS_MAX);
    client->up = queue_new(REQUESTS_MAX + NOTIFICATIONS_MAX + LAGGED_MAX);
    err_set(&err, ERR_NOMEM, "out of memory");
    if (!client->down || !client->up)
        goto failed;
    if ((r = core_open(options, &client->loop, notify_up, client, &client->core, &err)) != 0)
        goto failed;
    uv_async_init(&client->loop, &client->wake, on_wake);
    client->wake.data = client;
    if ((r = options->no_thread ? start_here(client, &err) : start_thread(client, &err)) != 0) {
        uv_close((uv_handle_t *)&client->wake, NULL);
        core_cancel(client->core);
        core_close(client->core);
        goto failed;
    }
    *out = client;
    return XM_OK;
failed:
    client_fail_err(error, r, &err);
    xm_client_close(client);
    return error ? (int)error->code : XM_FAILED;
}

void xm_client_close(struct xm_client *client)
{
    struct event_item *kept;

    if (!client)
        return;
    atomic_store(&client->stop, true);
    if (client->thread_runs) {
        uv_async_send(&client->wake);
        pthread_join(client->thread, NULL);
    } else if (client->loop_here) {
        on_wake(&client->wake);
        run_to_the_end(client);
    } else {
        uv_run(&client->loop, UV_RUN_DEFAULT);
    }
    uv_loop_close(&client->loop);
    queue_free(client->down, request_free);
    queue_free(client->up, event_item_free);
    while ((kept = (struct event_item *)client->kept)) {
        client->kept = (struct xm_event *)kept->next;
        event_item_free(kept);
    }
    if (client->event_fd >= 0)
        close(client->event_fd);
    xm_free(client);
}

int64_t xm_client_call(struct xm_client *client, const char *method, const char *params, struct xm_error *error)
{
    struct request *request;

    if (params && params[strspn(params, " \t\r\n")] != '{')
        return client_fail(error, XM_USAGE, "params must be a JSON object");
    if (atomic_load(&client->outstanding) >= REQUESTS_MAX)
        return client_fail(error, XM_FAILED, "too many requests wait; take their answers first");
    request = xm_alloc(sizeof *request);
    if (!request)
        return client_fail(error, XM_FAILED, "out of memory");
    request->id = ++client->last_id;
    request->client = client;
    request->method = xm_strdup(method);
    request->params = params ? xm_strdup(params) : NULL;
    if (!request->method || (params && !request->params) || !queue_put(client->down, request)) {
        request_free(request);
        return client_fail(error, XM_FAILED, "out of memory");
    }
    atomic_fetch_add(&client->outstanding, 1);
    if (client->thread_runs)
        uv_async_send(&client->wake);
    return client->last_id;
}

struct core *client_core(struct xm_client *client)
{
    return client->core;
}

int xm_client_fd(struct xm_client *client)
{
    return client->event_fd;
}

static bool up_waits(void *ctx)
{
    return queue_len(((struct xm_client *)ctx)->up) > 0;
}

static bool never(void *ctx)
{
    (void)ctx;
    return false;
}

/* Without a thread: begins what was asked for since, then waits. */
static int poll_here(struct xm_client *client, struct pollfd *fds, size_t n, int timeout_ms, bool (*enough)(void *ctx))
{
    uv_update_time(&client->loop);
    on_wake(&client->wake);
    return poll_set_wait(&client->polling, fds, n, timeout_ms, enough, client);
}

/* xm_client_poll(), whatever is kept; at most XM_POLL_MAX descriptors. */
static int wait_for(struct xm_client *client, bool events, struct pollfd *fds, size_t n, int timeout_ms)
{
    struct pollfd all[XM_POLL_MAX + 1];
    int r;

    if (client->loop_here)
        return poll_here(client, fds, n, timeout_ms, events ? up_waits : never);
    if (n > 0)
        memcpy(all, fds, n * sizeof *fds);
    all[n] = (struct pollfd){.fd = events ? client->event_fd : -1, .events = POLLIN};
    r = poll(all, (nfds_t)n + 1, timeout_ms);
    if (n > 0)
        memcpy(fds, all, n * sizeof *fds);
    return r > 0 && all[n].revents ? r - 1 : r;
}

int xm_client_poll(struct xm_client *client, bool events, struct pollfd *fds, size_t n, int timeout_ms)
{
    if (n > XM_POLL_MAX) {
        errno = EINVAL;
        return -1;
    }
    return wait_for(client, events, fds, n, events && client->kept ? 0 : timeout_ms);
}

static struct xm_event *take_up(struct xm_client *client)
{
    struct event_item *item = queue_take(client->up);
    uint64_t n;

    if (!item && !client->loop_here) {
        /* Clear the wake-up first, look again after: an event in between must not be lost. */
        while (read(client->event_fd, &n, sizeof n) < 0 && errno == EINTR)
            ;
        item = queue_take(client->up);
    }
    if (item && item->event.kind != XM_EVENT_NOTIFICATION)
        atomic_fetch_sub(&client->outstanding, 1);
    return item ? &item->event : NULL;
}

struct xm_event *xm_client_next(struct xm_client *client)
{
    struct event_item *kept = (struct event_item *)client->kept;

    if (!kept)
        return take_up(client);
    client->kept = (struct xm_event *)kept->next;
    if (!client->kept)
        client->kept_last = NULL;
    kept->next = NULL;
    return &kept->event;
}

void xm_event_free(struct xm_event *event)
{
    if (!event)
        return;
    xm_free(event->json);
    xm_free(event);
}

static void keep(struct xm_client *client, struct xm_event *event)
{
    if (client->kept_last)
        ((struct event_item *)client->kept_last)->next = (struct event_item *)event;
    else
        client->kept = event;
    client->kept_last = event;
}

static int answer(struct xm_event *event, char **result, struct xm_error *error)
{
    int code = XM_OK;

    if (event->kind == XM_EVENT_ERROR) {
        code = xm_event_error(event, error);
    } else if (result) {
        *result = event->json;
        event->json = NULL;
    }
    xm_event_free(event);
    return code;
}

int xm_client_request(struct xm_client *client, const char *method, const char *params, int timeout_ms, char **result,
                      struct xm_error *error)
{
    int64_t id = xm_client_call(client, method, params, error);
    int64_t until = (int64_t)clock_monotonic_ms(&clock_system) + timeout_ms;
    struct xm_event *event;

    if (id < 0)
        return (int)id;
    for (;;) {
        int64_t left = timeout_ms < 0 ? -1 : until - (int64_t)clock_monotonic_ms(&clock_system);

        while ((event = take_up(client))) {
            if (event->kind != XM_EVENT_NOTIFICATION && event->id == id)
                return answer(event, result, error);
            keep(client, event);
        }
        if (timeout_ms >= 0 && left <= 0)
            return client_fail(error, XM_FAILED, "no answer in time");
        if (wait_for(client, true, NULL, 0, (int)left) < 0 && errno != EINTR)
            return client_fail(error, XM_FAILED, strerror(errno));
    }
}

/* The descriptor may be readable for an event that was taken already: its writer wakes us after putting it
 * there.  So readiness is a reason to look, not an event. */
struct xm_event *xm_client_wait(struct xm_client *client, int timeout_ms)
{
    int64_t until = (int64_t)clock_monotonic_ms(&clock_system) + timeout_ms;
    struct xm_event *event;

    while (!(event = xm_client_next(client))) {
        int64_t left = timeout_ms < 0 ? -1 : until - (int64_t)clock_monotonic_ms(&clock_system);

        if (timeout_ms >= 0 && left <= 0)
            return NULL;
        if (wait_for(client, true, NULL, 0, (int)left) < 0)
            return NULL; /* a signal: the caller has something to do */
    }
    return event;
}

void xm_free_text(char *text)
{
    xm_free(text);
}
