#include "net/dial.h"

#include "base/alloc.h"
#include "base/err.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ADDRESSES_MAX 8
#define NEXT_AFTER_MS 250

struct attempt {
    struct dial *dial;
    uv_tcp_t *tcp;
    uv_connect_t req;
};

struct dial {
    uv_loop_t *loop;
    void (*done)(void *ctx, uv_tcp_t *tcp, const struct err *err);
    void (*gone)(void *ctx);
    void *ctx;
    char host[256];
    struct sockaddr_storage addresses[ADDRESSES_MAX];
    unsigned count, next; /* addresses; the next one to try */
    unsigned trying;
    struct attempt attempts[ADDRESSES_MAX];
    uv_getaddrinfo_t lookup;
    bool looking;
    uv_timer_t timeout, stagger;
    unsigned handles; /* open ones, plus the look-up */
    bool finished;
    struct err last; /* why the last attempt failed */
};

static void maybe_gone(struct dial *d)
{
    void (*gone)(void *ctx) = d->gone;
    void *ctx = d->ctx;

    if (d->handles > 0)
        return;
    xm_free(d);
    gone(ctx);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct dial *d = handle->data;

    d->handles--;
    maybe_gone(d);
}

static void on_tcp_closed(uv_handle_t *handle)
{
    struct attempt *a = handle->data;

    xm_free(handle);
    a->dial->handles--;
    maybe_gone(a->dial);
}

static void attempt_drop(struct attempt *a)
{
    if (!a->tcp)
        return;
    uv_close((uv_handle_t *)a->tcp, on_tcp_closed);
    a->tcp = NULL;
}

/* The one way out: everything but the winner closes. */
static void finish(struct dial *d, uv_tcp_t *tcp, const struct err *err)
{
    if (d->finished)
        return;
    d->finished = true;
    for (unsigned i = 0; i < ADDRESSES_MAX; i++)
        attempt_drop(&d->attempts[i]);
    if (d->looking)
        uv_cancel((uv_req_t *)&d->lookup); /* its callback comes in any case, late if it runs already */
    uv_close((uv_handle_t *)&d->timeout, on_timer_closed);
    uv_close((uv_handle_t *)&d->stagger, on_timer_closed);
    d->done(d->ctx, tcp, err);
}

static void address_text(const struct sockaddr *sa, char *out, size_t room)
{
    char ip[INET6_ADDRSTRLEN] = "?";

    if (sa->sa_family == AF_INET6) {
        uv_ip6_name((const struct sockaddr_in6 *)sa, ip, sizeof ip);
        snprintf(out, room, "[%s]:%u", ip, ntohs(((const struct sockaddr_in6 *)sa)->sin6_port));
    } else {
        uv_ip4_name((const struct sockaddr_in *)sa, ip, sizeof ip);
        snprintf(out, room, "%s:%u", ip, ntohs(((const struct sockaddr_in *)sa)->sin_port));
    }
}

static void try_next(struct dial *d);

static void on_stagger(uv_timer_t *timer)
{
    struct dial *d = timer->data;

    if (!d->finished)
        try_next(d);
}

static void attempt_failed(struct attempt *a, int status)
{
    struct dial *d = a->dial;
    char where[80];

    address_text((const struct sockaddr *)&d->addresses[a - d->attempts], where, sizeof where);
    err_set(&d->last, ERR_OFFLINE, "connecting to %s: %s", where, uv_strerror(status));
    attempt_drop(a);
    d->trying--;
    try_next(d);
}

static void on_connect(uv_connect_t *req, int status)
{
    struct attempt *a = req->data;
    struct dial *d = a->dial;
    uv_tcp_t *tcp = a->tcp;

    if (d->finished)
        return;
    if (status < 0) {
        attempt_failed(a, status);
        return;
    }
    a->tcp = NULL; /* the receiver's */
    d->handles--;
    finish(d, tcp, NULL);
}

/* Starts the next address; with none left and none running it is over. */
static void try_next(struct dial *d)
{
    while (!d->finished && d->next < d->count) {
        struct attempt *a = &d->attempts[d->next];
        const struct sockaddr *sa = (const struct sockaddr *)&d->addresses[d->next];
        int r;

        d->next++;
        a->dial = d;
        a->req.data = a;
        a->tcp = xm_alloc(sizeof *a->tcp);
        if (!a->tcp || uv_tcp_init(d->loop, a->tcp) < 0) {
            xm_free(a->tcp);
            a->tcp = NULL;
            err_set(&d->last, ERR_NOMEM, "no memory for a connection");
            continue;
        }
        a->tcp->data = a;
        d->handles++;
        r = uv_tcp_connect(&a->req, a->tcp, sa, on_connect);
        if (r < 0) {
            char where[80];

            address_text(sa, where, sizeof where);
            err_set(&d->last, ERR_OFFLINE, "connecting to %s: %s", where, uv_strerror(r));
            attempt_drop(a);
            continue;
        }
        d->trying++;
        uv_timer_start(&d->stagger, on_stagger, NEXT_AFTER_MS, 0);
        return;
    }
    if (!d->finished && d->trying == 0)
        finish(d, NULL, &d->last);
}

static void add_address(struct dial *d, const struct sockaddr *sa)
{
    if (d->count == ADDRESSES_MAX)
        return;
    if (sa->sa_family == AF_INET)
        memcpy(&d->addresses[d->count++], sa, sizeof(struct sockaddr_in));
    else if (sa->sa_family == AF_INET6)
        memcpy(&d->addresses[d->count++], sa, sizeof(struct sockaddr_in6));
}

/* The resolver sorts by preference; from there on families take turns, so that a broken one costs one
 * stagger only. */
static void add_answers(struct dial *d, const struct addrinfo *list)
{
    const struct addrinfo *same = list, *other = list;
    int family = list ? list->ai_family : AF_UNSPEC;

    while (same || other) {
        while (same && same->ai_family != family)
            same = same->ai_next;
        if (same) {
            add_address(d, same->ai_addr);
            same = same->ai_next;
        }
        while (other && other->ai_family == family)
            other = other->ai_next;
        if (other) {
            add_address(d, other->ai_addr);
            other = other->ai_next;
        }
    }
}

static void on_lookup(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
    struct dial *d = req->data;

    d->looking = false;
    d->handles--;
    if (d->finished) {
        uv_freeaddrinfo(list);
        maybe_gone(d);
        return;
    }
    if (status < 0) {
        err_set(&d->last, ERR_OFFLINE, "looking up %s: %s", d->host, uv_strerror(status));
    } else {
        err_set(&d->last, ERR_OFFLINE, "looking up %s: no address", d->host);
        add_answers(d, list);
    }
    uv_freeaddrinfo(list);
    try_next(d);
}

static void on_timeout(uv_timer_t *timer)
{
    struct dial *d = timer->data;
    struct err err;

    err_set(&err, ERR_OFFLINE, "%s %s: no answer in time", d->looking ? "looking up" : "connecting to", d->host);
    finish(d, NULL, &err);
}

/* Number addresses start from the loop as well, so that `done` never comes inside dial_start(). */
static void on_begin(uv_timer_t *timer)
{
    try_next(timer->data);
}

static bool add_literal(struct dial *d, uint16_t port)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (strcmp(d->host, "localhost") == 0) {
        uv_ip4_addr("127.0.0.1", port, &v4);
        uv_ip6_addr("::1", port, &v6);
        add_address(d, (const struct sockaddr *)&v4);
        add_address(d, (const struct sockaddr *)&v6);
        return true;
    }
    if (uv_ip4_addr(d->host, port, &v4) == 0) {
        add_address(d, (const struct sockaddr *)&v4);
        return true;
    }
    if (uv_ip6_addr(d->host, port, &v6) == 0) {
        add_address(d, (const struct sockaddr *)&v6);
        return true;
    }
    return false;
}

int dial_start(uv_loop_t *loop, const char *host, uint16_t port, uint64_t timeout_ms,
               void (*done)(void *ctx, uv_tcp_t *tcp, const struct err *err), void (*gone)(void *ctx), void *ctx,
               struct dial **out, struct err *err)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct dial *d = xm_alloc(sizeof *d);
    char service[8];

    if (!d)
        return err_set(err, ERR_NOMEM, "no memory for a connection");
    d->loop = loop;
    d->done = done;
    d->gone = gone;
    d->ctx = ctx;
    snprintf(d->host, sizeof d->host, "%s", host);
    snprintf(service, sizeof service, "%u", port);
    d->lookup.data = d;
    if (!add_literal(d, port)) {
        int r = uv_getaddrinfo(loop, &d->lookup, on_lookup, host, service, &hints);

        if (r < 0) {
            xm_free(d);
            return err_set(err, ERR_OFFLINE, "looking up %s: %s", host, uv_strerror(r));
        }
        d->looking = true;
        d->handles++;
    }
    uv_timer_init(loop, &d->timeout);
    uv_timer_init(loop, &d->stagger);
    d->timeout.data = d->stagger.data = d;
    d->handles += 2;
    uv_timer_start(&d->timeout, on_timeout, timeout_ms, 0);
    if (!d->looking)
        uv_timer_start(&d->stagger, on_begin, 0, 0);
    *out = d;
    return 0;
}

void dial_cancel(struct dial *d)
{
    struct err err;

    err_set(&err, ERR_CANCELED, "canceled");
    finish(d, NULL, &err);
}
