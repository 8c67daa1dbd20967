/* A fiber waits here for an answer, or for the time of the next attempt.
 *
 * The waiter lives on the fiber's stack, in the object's list, until the fiber leaves.  Whoever
 * resumes it (the answer, the timer) does so from the loop.  Cancelling ends the call, or the sleep,
 * and the fiber finds `canceled` set.  The answer is looked at inside the callback that brought it,
 * since the fiber runs there: nothing is copied. */
#include "net/node_v3_internal.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/fiber.h"
#include "net/retry.h"
#include "net/status.h"

#include <stdio.h>
#include <string.h>

#define SPARE_MAX (256 * 1024)

struct waiter {
    struct waiter *prev, *next;
    struct fiber *fiber;
    struct grpc_call *call; /* under way */
    uint64_t wake_ms;       /* uv_now() time of the next attempt; 0: not sleeping */
    const struct grpc_outcome *outcome;
};

static void enlist(struct node_v3 *v, struct waiter *w)
{
    w->next = v->waiters;
    if (w->next)
        w->next->prev = w;
    v->waiters = w;
}

static void delist(struct node_v3 *v, struct waiter *w)
{
    if (w->prev)
        w->prev->next = w->next;
    else
        v->waiters = w->next;
    if (w->next)
        w->next->prev = w->prev;
    v3_maybe_torn_down(v);
}

/* ---- sleeping ---- */

static void on_sleep(uv_timer_t *timer);

static void set_alarm(struct node_v3 *v)
{
    uint64_t now = uv_now(v->loop), first = 0;

    for (struct waiter *w = v->waiters; w; w = w->next)
        if (w->wake_ms && (!first || w->wake_ms < first))
            first = w->wake_ms;
    if (v->torn_down)
        return;
    if (first)
        uv_timer_start(&v->sleep, on_sleep, first > now ? first - now : 0, 0);
    else
        uv_timer_stop(&v->sleep);
}

static struct waiter *due_waiter(struct node_v3 *v)
{
    for (struct waiter *w = v->waiters; w; w = w->next)
        if (w->wake_ms && w->wake_ms <= uv_now(v->loop))
            return w;
    return NULL;
}

static void on_sleep(uv_timer_t *timer)
{
    struct node_v3 *v = timer->data;
    struct waiter *w;

    while ((w = due_waiter(v)) != NULL) {
        w->wake_ms = 0;
        fiber_resume(w->fiber); /* the list may be another one now */
    }
    set_alarm(v);
}

void v3_sleep_init(struct node_v3 *v)
{
    uv_timer_init(v->loop, &v->sleep);
    v->sleep.data = v;
}

static void nap(struct node_v3 *v, struct waiter *w, uint64_t wait_ms)
{
    w->wake_ms = uv_now(v->loop) + wait_ms;
    set_alarm(v);
    fiber_suspend();
}

void v3_cancel_waiters(struct node_v3 *v)
{
    for (struct waiter *w = v->waiters; w; w = w->next) {
        if (w->call)
            grpc_call_cancel(w->call);
        if (w->wake_ms)
            w->wake_ms = uv_now(v->loop);
    }
    set_alarm(v);
}

/* ---- outcomes ---- */

static const char *short_name(enum proto_method method)
{
    const char *path = proto_method_info(method)->path, *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* A peer's text, for a line on a screen. */
static void tidy(const char *from, char *to, size_t room)
{
    size_t n = 0;

    for (; *from && n + 1 < room; from++)
        to[n++] = (unsigned char)*from < 0x20 || *from == 0x7f ? ' ' : *from;
    to[n] = 0;
}

int v3_error(enum proto_method method, const struct grpc_outcome *outcome, struct err *err)
{
    char text[160];

    tidy(outcome->message, text, sizeof text);
    if (outcome->local) {
        switch (outcome->status) {
        case GRPC_CANCELLED:
            return err_set(err, ERR_CANCELED, "canceled");
        case GRPC_UNAVAILABLE:
        case GRPC_DEADLINE_EXCEEDED:
            return err_set(err, ERR_OFFLINE, "%s", text);
        case GRPC_RESOURCE_EXHAUSTED:
            return err_set(err, ERR_TOOBIG, "%s: %s", short_name(method), text);
        default:
            return err_set(err, ERR_REMOTE, "%s: %s", short_name(method), text);
        }
    }
    if (outcome->status == GRPC_UNAVAILABLE || outcome->status == GRPC_DEADLINE_EXCEEDED)
        return err_set(err, ERR_OFFLINE, "%s: the node says %s: %s", short_name(method),
                       grpc_status_name(outcome->status), text);
    return err_set(err, ERR_REMOTE, "%s: the node says %s: %s", short_name(method),
                   grpc_status_name(outcome->status), text);
}

static void on_done(void *ctx, const struct grpc_outcome *outcome)
{
    struct waiter *w = ctx;

    w->call = NULL;
    w->outcome = outcome;
    fiber_resume(w->fiber);
}

/* ---- the call ---- */

/* One attempt.  0 when there is an outcome. */
static int attempt(struct node_v3 *v, struct waiter *w, enum proto_method method, struct slice request,
                   uint64_t left_ms, struct err *err)
{
    int r;

    w->outcome = NULL;
    r = grpc_unary(v->client, proto_method_info(method)->path, request, left_ms, on_done, w, &w->call, err);
    if (r != 0)
        return r;
    fiber_suspend();
    return 0;
}

static int attempts(struct node_v3 *v, struct waiter *w, enum proto_method method, struct slice request,
                    struct slice *answer, struct err *err)
{
    uint64_t end = uv_now(v->loop) + v->call_timeout_ms, now, wait_ms;
    struct retry retry = {0};
    int r = 0;

    while (!v->canceled) {
        now = uv_now(v->loop);
        if (now >= end)
            return r; /* the last attempt's */
        if ((r = attempt(v, w, method, request, end - now, err)) != 0)
            return r;
        if (v->canceled)
            break;
        if (w->outcome->status == GRPC_OK) {
            *answer = w->outcome->body;
            return 0;
        }
        r = v3_error(method, w->outcome, err);
        now = uv_now(v->loop);
        if (!retry_next(&retry, w->outcome->status, end > now ? end - now : 0, &v->rand, &wait_ms))
            return r;
        nap(v, w, wait_ms);
    }
    return err_set(err, ERR_CANCELED, "canceled");
}

int v3_call(struct node_v3 *v, enum proto_method method, struct slice request, struct slice *answer,
            struct err *err)
{
    struct waiter w = {.fiber = fiber_self()};
    struct slice body = {0};
    int r;

    if (!w.fiber)
        return err_set(err, ERR_STATE, "%s outside of a fiber", short_name(method));
    enlist(v, &w);
    r = attempts(v, &w, method, request, &body, err);
    delist(v, &w);
    if (r == 0 && answer)
        *answer = body;
    return r;
}

struct buf v3_take_buf(struct node_v3 *v)
{
    struct buf b = v->spare;

    v->spare = BUF_INIT;
    buf_reset(&b);
    return b;
}

void v3_give_buf(struct node_v3 *v, struct buf *b)
{
    if (v->spare.cap >= b->cap || b->cap > SPARE_MAX) {
        buf_free(b);
        return;
    }
    buf_free(&v->spare);
    v->spare = *b;
    *b = BUF_INIT;
}
