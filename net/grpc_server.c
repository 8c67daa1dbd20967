/* Listeners and life of the gRPC server.
 *
 * Closing: listeners close, every request is shut (handlers are told), every connection says GOAWAY and
 * ends when its output is out or the grace is over; then the last handle frees the server. */
#include "net/server_internal.h"

#include "base/alloc.h"
#include "base/log.h"
#include "net/tls.h"
#include "net/url.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define ME "grpc"
#define BACKLOG 511
#define GREETING_TIMEOUT_MS (20 * 1000)
/* The network's clients wait so long for the headers of the answer, their upload included. */
#define BODY_TIMEOUT_MS (120 * 1000)
#define PING_INTERVAL_MS (5 * 60 * 1000)
#define PING_TIMEOUT_MS (20 * 1000)
#define PORT_TRIES 16 /* to find a port that is free on both loopbacks */

static void accept_one(struct server_listener *l);

static void maybe_freed(struct grpc_server *s)
{
    void (*on_closed)(void *ctx) = s->on_closed;
    void *ctx = s->closed_ctx;

    if (!s->torn_down || s->handles > 0 || s->conns)
        return;
    request_pool_free(s);
    tls_ctx_free(s->tls);
    nghttp2_session_callbacks_del(s->callbacks);
    nghttp2_option_del(s->option);
    xm_free(s->scratch);
    xm_free(s);
    if (on_closed)
        on_closed(ctx);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct grpc_server *s = handle->data;

    s->handles--;
    maybe_freed(s);
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct server_listener *l = handle->data;
    struct grpc_server *s = l->server;

    xm_free(l);
    s->handles--;
    maybe_freed(s);
}

/* `conn` NULL: a socket that never became one. */
void server_conn_freed(struct grpc_server *s, struct server_conn *conn)
{
    if (!conn) {
        s->handles--;
    } else {
        if (conn->prev)
            conn->prev->next = conn->next;
        else
            s->conns = conn->next;
        if (conn->next)
            conn->next->prev = conn->prev;
    }
    maybe_freed(s);
}

/* ---- the turn ---- */

static void shut(struct grpc_server *s)
{
    for (unsigned i = 0; i < s->listener_count; i++)
        uv_close((uv_handle_t *)&s->listeners[i]->tcp, on_listener_closed);
    s->listener_count = 0;
    for (struct server_conn *conn = s->conns; conn; conn = conn->next) {
        struct grpc_request *req, *next;

        for (req = conn->requests; req; req = next) {
            next = req->next;
            request_shut(req, GRPC_UNAVAILABLE);
        }
        server_conn_goaway(conn);
    }
}

static void tear_down(struct grpc_server *s)
{
    s->torn_down = true;
    turn_close(&s->turn, on_handle_closed);
    uv_close((uv_handle_t *)&s->grace, on_handle_closed);
}

static bool tell_connections(struct grpc_server *s)
{
    if (s->conn_count == s->told_count)
        return false;
    s->told_count = s->conn_count;
    if (s->config.handler.on_connections)
        s->config.handler.on_connections(s->config.handler.ctx, s->conn_count);
    return true;
}

static void on_grace(uv_timer_t *timer)
{
    struct grpc_server *s = timer->data;

    s->expired = true;
}

static bool server_turn(void *ctx)
{
    struct grpc_server *s = ctx;
    bool told = false;

    if (s->closing && !s->shut) {
        s->shut = true;
        shut(s);
        uv_timer_start(&s->grace, on_grace, s->grace_ms, 0);
    }
    for (unsigned i = 0; i < s->listener_count; i++)
        if (s->listeners[i]->waiting)
            accept_one(s->listeners[i]);
    do {
        told |= request_run_work(s);
        told |= tell_connections(s);
        for (struct server_conn *conn = s->conns; conn; conn = conn->next)
            if (conn->dirty)
                server_conn_flush(conn);
        if (s->expired)
            for (struct server_conn *conn = s->conns; conn; conn = conn->next)
                server_conn_drop(conn);
    } while (s->work_first || s->conn_count != s->told_count);
    if (s->shut && !s->torn_down && !s->conns)
        tear_down(s);
    return told;
}

/* ---- listening ---- */

static void on_connection(uv_stream_t *stream, int status)
{
    struct server_listener *l = stream->data;

    if (status < 0)
        log_warn(ME, "accepting a client: %s", uv_strerror(status));
    else
        accept_one(l);
}

static void on_surplus_closed(uv_handle_t *handle)
{
    struct grpc_server *s = handle->data;

    xm_free(handle);
    server_conn_freed(s, NULL);
}

/* Connections that never speak cost nobody his place: with all taken, the one goes that has put off its greeting
 * for longest. */
static void make_room(struct grpc_server *s)
{
    struct server_conn *conn, *oldest = NULL;

    if (s->conn_count < s->config.max_connections)
        return;
    for (conn = s->conns; conn; conn = conn->next) /* newest first */
        if (!conn->greeted && !conn->closing)
            oldest = conn;
    if (!oldest)
        return;
    log_debug(ME, "dropping a client that has not greeted, for another");
    server_conn_drop(oldest);
}

static void accept_one(struct server_listener *l)
{
    struct grpc_server *s = l->server;
    uv_tcp_t *tcp = xm_alloc(sizeof *tcp);
    int r;

    l->waiting = tcp == NULL;
    if (l->waiting)
        return; /* until the next turn */
    uv_tcp_init(s->loop, tcp);
    r = uv_accept((uv_stream_t *)&l->tcp, (uv_stream_t *)tcp);
    if (r == 0)
        make_room(s);
    if (r == 0 && s->conn_count < s->config.max_connections && !s->closing) {
        server_conn_accept(s, tcp);
        return;
    }
    log_warn(ME, "refusing a client: %s", r < 0 ? uv_strerror(r) : "too many connections");
    tcp->data = s;
    s->handles++;
    uv_close((uv_handle_t *)tcp, on_surplus_closed);
}

static uint16_t bound_port(const uv_tcp_t *tcp)
{
    struct sockaddr_storage at;
    int len = sizeof at;

    if (uv_tcp_getsockname(tcp, (struct sockaddr *)&at, &len) != 0)
        return 0;
    return ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
                                          : ((struct sockaddr_in *)&at)->sin_port);
}

/* Returns a libuv status; on success the listener is in place. */
static int listen_on(struct grpc_server *s, const struct sockaddr *sa)
{
    struct server_listener *l;
    int r;

    if (s->listener_count == SERVER_LISTENERS_MAX)
        return UV_EMFILE;
    l = xm_alloc(sizeof *l);
    if (!l)
        return UV_ENOMEM;
    l->server = s;
    r = uv_tcp_init(s->loop, &l->tcp);
    if (r < 0) {
        xm_free(l);
        return r;
    }
    l->tcp.data = l;
    s->handles++;
    r = uv_tcp_bind(&l->tcp, sa, sa->sa_family == AF_INET6 ? UV_TCP_IPV6ONLY : 0);
    if (r == 0)
        r = uv_listen((uv_stream_t *)&l->tcp, BACKLOG, on_connection);
    if (r < 0) {
        uv_close((uv_handle_t *)&l->tcp, on_listener_closed);
        return r;
    }
    s->listeners[s->listener_count++] = l;
    if (!s->port)
        s->port = bound_port(&l->tcp);
    return 0;
}

static void unlisten_last(struct grpc_server *s)
{
    uv_close((uv_handle_t *)&s->listeners[--s->listener_count]->tcp, on_listener_closed);
    if (s->listener_count == 0)
        s->port = 0;
}

/* Both loopbacks on one port.  A system without IPv6 gets the other one alone. */
static int listen_localhost(struct grpc_server *s, uint16_t port)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    int r = UV_EADDRINUSE;

    for (int i = 0; i < PORT_TRIES && r == UV_EADDRINUSE; i++) {
        uint16_t chosen;

        uv_ip4_addr("127.0.0.1", port, &v4);
        if ((r = listen_on(s, (const struct sockaddr *)&v4)) != 0)
            return r;
        chosen = bound_port(&s->listeners[s->listener_count - 1]->tcp);
        uv_ip6_addr("::1", chosen, &v6);
        r = listen_on(s, (const struct sockaddr *)&v6);
        if (r == UV_EADDRNOTAVAIL || r == UV_EAFNOSUPPORT)
            return 0;
        if (r == 0)
            return 0;
        unlisten_last(s);
        if (port)
            break;
    }
    return r;
}

int grpc_server_listen(struct grpc_server *s, const char *address, struct err *err)
{
    char host[URL_HOST_MAX];
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    uint16_t port = 0;
    int r;

    if ((r = url_parse_listen(address, host, &port, err)) != 0)
        return r;
    if (strcmp(host, "localhost") == 0)
        r = listen_localhost(s, port);
    else if (uv_ip4_addr(host, port, &v4) == 0)
        r = listen_on(s, (const struct sockaddr *)&v4);
    else if (uv_ip6_addr(host, port, &v6) == 0)
        r = listen_on(s, (const struct sockaddr *)&v6);
    else
        return err_set(err, ERR_INVALID, "\"%.80s\": listen on localhost or on a numeric address", address);
    return r < 0 ? err_set(err, ERR_IO, "listening on %.80s: %s", address, uv_strerror(r)) : 0;
}

uint16_t grpc_server_port(const struct grpc_server *s)
{
    return s->port;
}

size_t grpc_server_listeners(const struct grpc_server *s)
{
    return s->listener_count;
}

void grpc_server_address(const struct grpc_server *s, size_t i, char out[GRPC_ADDRESS_MAX])
{
    const uv_tcp_t *tcp = &s->listeners[i]->tcp;
    struct sockaddr_storage at = {0};
    char ip[INET6_ADDRSTRLEN] = "?";
    int len = sizeof at;

    uv_tcp_getsockname(tcp, (struct sockaddr *)&at, &len);
    if (at.ss_family == AF_INET6)
        uv_ip6_name((const struct sockaddr_in6 *)&at, ip, sizeof ip);
    else
        uv_ip4_name((const struct sockaddr_in *)&at, ip, sizeof ip);
    snprintf(out, GRPC_ADDRESS_MAX, at.ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u", ip, bound_port(tcp));
}

size_t grpc_server_connections(const struct grpc_server *s)
{
    return s->conn_count;
}

/* ---- opening and closing ---- */

static void fill_defaults(struct grpc_server_config *config)
{
    if (!config->max_message)
        config->max_message = 25u * 1024 * 1024;
    if (!config->max_header_list)
        config->max_header_list = H2_HEADER_LIST_MAX;
    if (!config->max_streams)
        config->max_streams = 1000;
    if (!config->max_connections)
        config->max_connections = 1000;
    if (!config->max_bytes)
        config->max_bytes = (size_t)1024 * 1024 * 1024;
    if (!config->max_connection_bytes)
        config->max_connection_bytes = 64u * 1024 * 1024;
    if (!config->max_discard)
        config->max_discard = 64u * 1024 * 1024;
    if (!config->greeting_timeout_ms)
        config->greeting_timeout_ms = GREETING_TIMEOUT_MS;
    if (!config->body_timeout_ms)
        config->body_timeout_ms = BODY_TIMEOUT_MS;
    if (!config->ping_interval_ms)
        config->ping_interval_ms = PING_INTERVAL_MS;
    if (!config->ping_timeout_ms)
        config->ping_timeout_ms = PING_TIMEOUT_MS;
    if (!config->max_queue_messages)
        config->max_queue_messages = 1024;
    if (!config->max_queue_bytes)
        config->max_queue_bytes = 32u * 1024 * 1024;
    config->tls_cert = config->tls_key = NULL;
}

int grpc_server_open(uv_loop_t *loop, const struct grpc_server_config *config, struct grpc_server **out,
                     struct err *err)
{
    struct grpc_server *s = NULL;
    struct sigaction now;
    int r;

    if (!config->tls_cert != !config->tls_key)
        return err_set(err, ERR_INVALID, "TLS needs a certificate and its key");
    s = xm_alloc(sizeof *s);
    if (!s)
        return err_set(err, ERR_NOMEM, "no memory for a server");
    s->loop = loop;
    s->config = *config;
    fill_defaults(&s->config);
    s->scratch = xm_alloc(sizeof *s->scratch);
    if (!s->scratch) {
        r = err_set(err, ERR_NOMEM, "no memory for a server");
        goto fail;
    }
    if (config->tls_cert && (r = tls_server_ctx_new(config->tls_cert, config->tls_key, &s->tls, err)) != 0)
        goto fail;
    if ((r = server_conn_callbacks(s, err)) != 0)
        goto fail;
    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN); /* a client that goes away is a result, not a signal */
    uv_timer_init(loop, &s->grace);
    s->grace.data = s;
    turn_start(loop, &s->turn, server_turn, s);
    s->handles = 1 + TURN_HANDLES;
    *out = s;
    return 0;
fail:
    tls_ctx_free(s->tls);
    nghttp2_session_callbacks_del(s->callbacks);
    nghttp2_option_del(s->option);
    xm_free(s->scratch);
    xm_free(s);
    return r;
}

void grpc_server_close(struct grpc_server *s, uint64_t grace_ms, void (*on_closed)(void *ctx), void *ctx)
{
    if (s->closing)
        return;
    s->closing = true;
    s->grace_ms = grace_ms;
    s->on_closed = on_closed;
    s->closed_ctx = ctx;
}
