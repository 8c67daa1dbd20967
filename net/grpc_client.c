/* The link to one endpoint: when to dial, which connection takes new calls, what the state is.
 *
 * Happy path: IDLE, first call, DIALING, UP.  A connection that failed before it was of use counts as a
 * failed attempt: WAITING with backoff, calls that waited for it fail with UNAVAILABLE.  One that had
 * worked is dialled again at once.  A GOAWAY leaves the old connection to its calls and dials anew.
 * Closing: calls end, connections say GOAWAY, handles close, the last one frees the client. */
#include "config.h"

#include "net/client_internal.h"

#include "base/alloc.h"
#include "base/log.h"
#include "net/dial.h"
#include "net/tls.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define ME "grpc"
#define CONNECT_TIMEOUT_MS 10000
#define PING_INTERVAL_MS 16000
#define PING_TIMEOUT_MS 10000
#define BACKOFF_MIN_MS 1000
#define BACKOFF_MAX_MS 60000
/* A caller may hurry the next attempt, but not to a rate that would hurt anybody. */
#define HURRIED_MS 200
/* A connection that lasted this long worked, even if nothing was asked on it. */
#define STEADY_MS 10000

const char *grpc_link_name(enum grpc_link link)
{
    static const char *const names[] = {"idle", "live", "reconnecting", "offline"};

    return names[link];
}

#define TO(state) (1u << (state))

static void move(struct grpc_client *c, enum client_state to)
{
    static const struct {
        const char *name;
        unsigned may_go;
    } states[] = {
        [CLIENT_IDLE] = {"idle", TO(CLIENT_DIALING) | TO(CLIENT_CLOSING)},
        [CLIENT_DIALING] = {"dialing", TO(CLIENT_UP) | TO(CLIENT_WAITING) | TO(CLIENT_CLOSING)},
        [CLIENT_UP] = {"up", TO(CLIENT_DIALING) | TO(CLIENT_WAITING) | TO(CLIENT_CLOSING)},
        [CLIENT_WAITING] = {"waiting", TO(CLIENT_DIALING) | TO(CLIENT_CLOSING)},
        [CLIENT_CLOSING] = {"closing", 0},
    };

    if (!(states[c->state].may_go & TO(to))) {
        log_error(ME, "impossible move from %s to %s", states[c->state].name, states[to].name);
        return;
    }
    c->state = to;
}

enum grpc_link grpc_client_link(const struct grpc_client *c)
{
    switch (c->state) {
    case CLIENT_IDLE:
        return GRPC_LINK_IDLE;
    case CLIENT_UP:
        if (c->current->live)
            return GRPC_LINK_LIVE;
        /* fall through */
    case CLIENT_DIALING:
        return c->backoff.failures ? GRPC_LINK_OFFLINE : GRPC_LINK_RECONNECTING;
    default:
        return GRPC_LINK_OFFLINE;
    }
}

/* ---- dialling ---- */

static void dial_now(struct grpc_client *c);

static void on_redial(uv_timer_t *timer)
{
    dial_now(timer->data);
}

static void fail_pending(struct grpc_client *c, const char *why)
{
    struct grpc_call *call;

    while ((call = c->pending.first) != NULL)
        call_end(call, GRPC_UNAVAILABLE, true, "%s", why);
}

static void attempt_failed(struct grpc_client *c, const struct err *why)
{
    uint64_t wait_ms = backoff_next_ms(&c->backoff, &c->rand);

    log_info(ME, "%s: %s; next attempt in %llu ms", c->url.authority, why->text, (unsigned long long)wait_ms);
    snprintf(c->last_error, sizeof c->last_error, "%s", why->text);
    c->attempt_ended_ms = uv_now(c->loop);
    move(c, CLIENT_WAITING);
    uv_timer_start(&c->redial, on_redial, wait_ms, 0);
    fail_pending(c, why->text);
}

static void maybe_freed(struct grpc_client *c);

static void on_unused_closed(uv_handle_t *tcp)
{
    struct grpc_client *c = tcp->data;

    xm_free(tcp);
    c->handles--;
    maybe_freed(c);
}

static void on_dial_done(void *ctx, uv_tcp_t *tcp, const struct err *err)
{
    struct grpc_client *c = ctx;
    struct client_conn *conn = NULL;
    struct err why;

    c->dial = NULL;
    if (c->state == CLIENT_CLOSING)
        return;
    if (!tcp) {
        attempt_failed(c, err);
        return;
    }
    if (client_conn_new(c, tcp, &conn, &why) != 0) {
        tcp->data = c;
        c->handles++;
        uv_close((uv_handle_t *)tcp, on_unused_closed);
        attempt_failed(c, &why);
        return;
    }
    conn->next = c->conns;
    c->conns = conn;
    c->current = conn;
    move(c, CLIENT_UP);
    client_conn_start(conn);
}

static void on_dial_gone(void *ctx)
{
    struct grpc_client *c = ctx;

    c->handles--;
    maybe_freed(c);
}

static void dial_now(struct grpc_client *c)
{
    struct err err;

    uv_timer_stop(&c->redial);
    move(c, CLIENT_DIALING);
    if (dial_start(c->loop, c->url.host, c->url.port, c->connect_timeout_ms, on_dial_done, on_dial_gone, c, &c->dial,
                   &err) != 0) {
        attempt_failed(c, &err);
        return;
    }
    c->handles++;
}

void client_want_connection(struct grpc_client *c)
{
    uint64_t now = uv_now(c->loop), due;

    if (c->state == CLIENT_IDLE) {
        dial_now(c);
    } else if (c->state == CLIENT_WAITING) {
        due = c->attempt_ended_ms + HURRIED_MS;
        due = due > now ? due - now : 0;
        if (uv_timer_get_due_in(&c->redial) > due)
            uv_timer_start(&c->redial, on_redial, due, 0);
    }
}

void client_conn_lost(struct grpc_client *c, struct client_conn *conn, const struct err *why)
{
    bool worked = conn->useful || (conn->live && uv_now(c->loop) - conn->born_ms >= STEADY_MS);

    if (c->current != conn || c->state == CLIENT_CLOSING)
        return;
    c->current = NULL;
    if (why)
        snprintf(c->last_error, sizeof c->last_error, "%s", why->text);
    if (worked) {
        backoff_reset(&c->backoff);
        log_info(ME, "%s: %s; connecting again", c->url.authority, why ? why->text : "the node says GOAWAY");
        dial_now(c);
        return;
    }
    if (why) {
        attempt_failed(c, why);
    } else {
        struct err goaway;

        err_set(&goaway, ERR_OFFLINE, "the node takes no calls on this connection (GOAWAY)");
        attempt_failed(c, &goaway);
    }
}

void client_conn_freed(struct grpc_client *c, struct client_conn *conn)
{
    struct client_conn **at = &c->conns;

    while (*at != conn)
        at = &(*at)->next;
    *at = conn->next;
    maybe_freed(c);
}

/* ---- deadlines: one timer, set to the earliest; it may find nothing to do ---- */

static void expire(struct call_list *list, uint64_t now, uint64_t *next)
{
    struct grpc_call *call, *following;

    for (call = list->first; call; call = following) {
        following = call->next;
        if (!call->deadline_ms)
            continue;
        if (call->deadline_ms <= now)
            call_end(call, GRPC_DEADLINE_EXCEEDED, true, "no answer in time");
        else if (!*next || call->deadline_ms < *next)
            *next = call->deadline_ms;
    }
}

static void on_deadline(uv_timer_t *timer)
{
    struct grpc_client *c = timer->data;
    uint64_t next = 0;

    c->deadline_at = 0;
    expire(&c->pending, uv_now(c->loop), &next);
    for (struct client_conn *conn = c->conns; conn; conn = conn->next)
        expire(&conn->calls, uv_now(c->loop), &next);
    if (next)
        client_watch_deadline(c, next);
}

void client_watch_deadline(struct grpc_client *c, uint64_t deadline_ms)
{
    uint64_t now = uv_now(c->loop);

    if (c->deadline_at && c->deadline_at <= deadline_ms)
        return;
    c->deadline_at = deadline_ms;
    uv_timer_start(&c->deadline, on_deadline, deadline_ms > now ? deadline_ms - now : 0, 0);
}

/* ---- the turn ---- */

static void client_free(struct grpc_client *c)
{
    call_pool_free(c);
    tls_ctx_free(c->tls);
    nghttp2_session_callbacks_del(c->callbacks);
    nghttp2_option_del(c->option);
    xm_free(c->scratch);
    xm_free(c->user_agent);
    xm_free(c->libxmtp_version);
    xm_free(c->app_version);
    xm_free(c);
}

static void maybe_freed(struct grpc_client *c)
{
    void (*on_closed)(void *ctx) = c->on_closed;
    void *ctx = c->closed_ctx;

    if (!c->torn_down || c->handles > 0 || c->conns)
        return;
    client_free(c);
    if (on_closed)
        on_closed(ctx);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct grpc_client *c = handle->data;

    c->handles--;
    maybe_freed(c);
}

static void tear_down(struct grpc_client *c)
{
    c->torn_down = true;
    for (struct client_conn *conn = c->conns; conn; conn = conn->next)
        client_conn_close(conn);
    c->current = NULL;
    if (c->dial)
        dial_cancel(c->dial);
    turn_close(&c->turn, on_handle_closed);
    uv_close((uv_handle_t *)&c->deadline, on_handle_closed);
    uv_close((uv_handle_t *)&c->redial, on_handle_closed);
}

static bool tell_link(struct grpc_client *c)
{
    enum grpc_link now = grpc_client_link(c);

    if (now == c->told || c->state == CLIENT_CLOSING)
        return false;
    c->told = now;
    if (c->on_link)
        c->on_link(c->ctx, now);
    return true;
}

/* Goes on until nothing has anything to say: callbacks and flushes cause each other. */
static bool client_turn(void *ctx)
{
    struct grpc_client *c = ctx;
    bool told = false;

    do {
        told |= call_run_work(c);
        told |= tell_link(c);
        for (struct client_conn *conn = c->conns; conn; conn = conn->next) {
            if (conn->draining && !conn->calls.first)
                client_conn_close(conn);
            else if (conn->dirty)
                client_conn_flush(conn);
        }
    } while (c->work_first || (c->state != CLIENT_CLOSING && grpc_client_link(c) != c->told));
    if (c->state == CLIENT_CLOSING && !c->torn_down && c->open_calls == 0)
        tear_down(c);
    return told;
}

/* ---- opening and closing ---- */

/* A peer that goes away while we write is a result, not a signal; whoever set a handler keeps it. */
static void ignore_sigpipe(void)
{
    struct sigaction now;

    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}

static uint64_t or_default(uint64_t value, uint64_t standard)
{
    return value ? value : standard;
}

static int copy_config(struct grpc_client *c, const struct grpc_client_config *config, struct err *err)
{
    int r;

    if ((r = url_parse(config->url, &c->url, err)) != 0)
        return r;
    c->max_message = or_default(config->max_message, GRPC_MAX_MESSAGE);
    c->connect_timeout_ms = or_default(config->connect_timeout_ms, CONNECT_TIMEOUT_MS);
    c->ping_interval_ms = or_default(config->ping_interval_ms, PING_INTERVAL_MS);
    c->ping_timeout_ms = or_default(config->ping_timeout_ms, PING_TIMEOUT_MS);
    backoff_init(&c->backoff, or_default(config->backoff_min_ms, BACKOFF_MIN_MS),
                 or_default(config->backoff_max_ms, BACKOFF_MAX_MS));
    c->rand = config->rand ? *config->rand : rand_system;
    c->on_link = config->on_link;
    c->ctx = config->ctx;
    c->scratch = xm_alloc(sizeof *c->scratch);
    c->user_agent = xm_strdup(config->user_agent ? config->user_agent : "xmtui/" PACKAGE_VERSION);
    if (!c->scratch || !c->user_agent)
        return err_set(err, ERR_NOMEM, "no memory for a client");
    if (config->libxmtp_version && !(c->libxmtp_version = xm_strdup(config->libxmtp_version)))
        return err_set(err, ERR_NOMEM, "no memory for a client");
    if (config->app_version && !(c->app_version = xm_strdup(config->app_version)))
        return err_set(err, ERR_NOMEM, "no memory for a client");
    if (c->url.tls)
        return tls_client_ctx_new(config->ca_file, &c->tls, err);
    return 0;
}

int grpc_client_open(uv_loop_t *loop, const struct grpc_client_config *config, struct grpc_client **out,
                     struct err *err)
{
    struct grpc_client *c = xm_alloc(sizeof *c);
    int r;

    if (!c)
        return err_set(err, ERR_NOMEM, "no memory for a client");
    c->loop = loop;
    if ((r = copy_config(c, config, err)) != 0 || (r = client_conn_callbacks(c, err)) != 0) {
        client_free(c);
        return r;
    }
    ignore_sigpipe();
    uv_timer_init(loop, &c->deadline);
    uv_timer_init(loop, &c->redial);
    c->deadline.data = c->redial.data = c;
    turn_start(loop, &c->turn, client_turn, c);
    c->handles = 2 + TURN_HANDLES;
    *out = c;
    return 0;
}

void grpc_client_close(struct grpc_client *c, void (*on_closed)(void *ctx), void *ctx)
{
    struct grpc_call *call;

    if (c->state == CLIENT_CLOSING)
        return;
    c->on_closed = on_closed;
    c->closed_ctx = ctx;
    move(c, CLIENT_CLOSING);
    while ((call = c->pending.first) != NULL)
        call_end(call, GRPC_CANCELLED, true, "closing");
    for (struct client_conn *conn = c->conns; conn; conn = conn->next)
        while ((call = conn->calls.first) != NULL)
            call_end(call, GRPC_CANCELLED, true, "closing");
    for (call = c->ended.first; call; call = call->next) /* paused ones, too */
        call_work(call);
}

uint64_t grpc_client_last_heard_ms(const struct grpc_client *c)
{
    return c->last_heard_ms;
}

const char *grpc_client_last_error(const struct grpc_client *c)
{
    return c->last_error;
}

size_t grpc_client_open_calls(const struct grpc_client *c)
{
    return c->open_calls;
}

unsigned grpc_client_resumed(const struct grpc_client *c)
{
    return c->resumed;
}

unsigned grpc_client_connections(const struct grpc_client *c)
{
    return c->connections;
}
