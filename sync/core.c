#include "sync/core.h"

#include "base/alloc.h"
#include "net/node_api.h"
#include "store/store.h"

#include <assert.h>
#include <string.h>

/* ---- transactions and events ---- */

int core_begin(struct core *core, bool durable, struct err *err)
{
    assert(core->pending_len == 0);
    return store_begin(core->store, durable ? DB_DURABLE : DB_NORMAL, err);
}

int core_commit(struct core *core, struct err *err)
{
    struct core_event *events;
    size_t n = core->pending_len;
    int r;

    if ((r = store_commit(core->store, err)) != 0) {
        core_rollback(core);
        return r;
    }
    /* A listener may open the next transaction, so the list is taken off first. */
    events = core->pending;
    core->pending = NULL;
    core->pending_len = core->pending_cap = 0;
    for (size_t i = 0; i < n; i++)
        core_emit(core, &events[i]);
    xm_free(events);
    return 0;
}

void core_rollback(struct core *core)
{
    store_rollback(core->store);
    core->pending_len = 0;
}

int core_note(struct core *core, const struct core_event *event, struct err *err)
{
    if (core->pending_len == core->pending_cap) {
        size_t cap = core->pending_cap ? 2 * core->pending_cap : 8;
        struct core_event *grown = xm_realloc(core->pending, cap, sizeof *grown);

        if (!grown)
            return err_set(err, ERR_NOMEM, "noting an event");
        core->pending = grown;
        core->pending_cap = cap;
    }
    core->pending[core->pending_len++] = *event;
    return 0;
}

void core_emit(struct core *core, const struct core_event *event)
{
    for (size_t i = 0; i < core->n_listeners; i++)
        core->listeners[i].call(core->listeners[i].ctx, event);
}

void core_listen(struct core *core, core_listener *call, void *ctx)
{
    assert(core->n_listeners < CORE_LISTENERS_MAX);
    core->listeners[core->n_listeners].call = call;
    core->listeners[core->n_listeners].ctx = ctx;
    core->n_listeners++;
}

/* ---- fibers ---- */

struct spawned {
    struct core *core;
    void (*run)(struct core *core, void *ctx);
    void *ctx;
};

static void on_grace_closed(uv_handle_t *handle)
{
    xm_free(handle);
}

/* The network goes when the last fiber has unwound; with it the loop's last handles. */
static void maybe_close_network(struct core *core)
{
    if (!core->closing || core->fibers)
        return;
    if (core->grace) {
        uv_close((uv_handle_t *)core->grace, on_grace_closed);
        core->grace = NULL;
    }
    if (!core->api)
        return;
    node_api_close(core->api, NULL, NULL);
    core->api = NULL;
}

static void spawned_run(void *arg)
{
    struct spawned *s = arg;
    struct core *core = s->core;

    s->run(core, s->ctx);
    xm_free(s);
    core->fibers--;
    maybe_close_network(core);
}

int core_spawn(struct core *core, void (*run)(struct core *core, void *ctx), void *ctx, struct err *err)
{
    struct spawned *s = xm_alloc(sizeof *s);
    int r;

    if (!s)
        return err_set(err, ERR_NOMEM, "starting a fiber");
    *s = (struct spawned){core, run, ctx};
    core->fibers++;
    if ((r = fiber_start(spawned_run, s, err)) != 0) {
        core->fibers--;
        xm_free(s);
    }
    return r;
}

struct core_sleeper {
    uv_timer_t timer;
    struct fiber *fiber;
    struct core_sleeper *next, **link;
};

static void sleeper_free(uv_handle_t *handle)
{
    xm_free(handle->data);
}

/* Takes the sleeper off the list, so that it is woken once only. */
static void sleeper_wake(struct core_sleeper *s)
{
    *s->link = s->next;
    if (s->next)
        s->next->link = s->link;
    uv_close((uv_handle_t *)&s->timer, sleeper_free);
    fiber_resume(s->fiber);
}

static void on_sleep_over(uv_timer_t *timer)
{
    sleeper_wake(timer->data);
}

int core_sleep(struct core *core, uint64_t ms, struct err *err)
{
    struct core_sleeper *s;

    if (core->closing)
        return err_set(err, ERR_CANCELED, "closing");
    s = xm_alloc(sizeof *s);
    if (!s)
        return err_set(err, ERR_NOMEM, "sleeping");
    s->fiber = fiber_self();
    s->next = core->sleepers;
    s->link = &core->sleepers;
    if (s->next)
        s->next->link = &s->next;
    core->sleepers = s;
    uv_timer_init(core->loop, &s->timer);
    s->timer.data = s;
    uv_timer_start(&s->timer, on_sleep_over, ms, 0);
    fiber_suspend();
    return core->closing ? err_set(err, ERR_CANCELED, "closing") : 0;
}

void core_rouse(struct core *core, const struct fiber *fiber)
{
    for (struct core_sleeper *s = core->sleepers; s; s = s->next)
        if (s->fiber == fiber)
            uv_timer_start(&s->timer, on_sleep_over, 0, 0);
}

/* What a closing core still lets finish: sends and the worker's business, while the node answers. */
#define GRACE_MS 5000

static void on_grace_over(uv_timer_t *timer)
{
    struct core *core = timer->data;

    core->grace = NULL;
    uv_close((uv_handle_t *)timer, on_grace_closed);
    if (core->api)
        node_cancel_all(core->api);
}

void core_cancel(struct core *core)
{
    if (core->closing)
        return;
    core->closing = true;
    while (core->sleepers)
        sleeper_wake(core->sleepers);
    if (core->fibers && core->api && node_link(core->api) == GRPC_LINK_LIVE)
        core->grace = xm_alloc(sizeof *core->grace);
    if (core->grace) {
        uv_timer_init(core->loop, core->grace);
        core->grace->data = core;
        uv_timer_start(core->grace, on_grace_over, GRACE_MS, 0);
    } else if (core->api) {
        node_cancel_all(core->api);
    }
    maybe_close_network(core);
}

/* ---- several at once ---- */

struct crowd {
    struct core *core;
    size_t next, n, running;
    void (*each)(struct core *core, void *ctx, size_t i);
    void *ctx;
    struct fiber *waiter;
};

static void crowd_member(struct core *core, void *arg)
{
    struct crowd *crowd = arg;

    while (crowd->next < crowd->n && !core->closing)
        crowd->each(core, crowd->ctx, crowd->next++);
    if (--crowd->running == 0 && crowd->waiter)
        fiber_resume(crowd->waiter);
}

void core_each(struct core *core, size_t n, size_t width, void (*each)(struct core *core, void *ctx, size_t i),
               void *ctx)
{
    struct crowd crowd = {.core = core, .n = n, .each = each, .ctx = ctx};

    for (size_t i = 1; i < width && i < n; i++) {
        crowd.running++;
        if (core_spawn(core, crowd_member, &crowd, NULL) != 0)
            crowd.running--;
    }
    while (crowd.next < n && !core->closing)
        each(core, ctx, crowd.next++);
    while (crowd.running) {
        crowd.waiter = fiber_self();
        fiber_suspend();
    }
}
