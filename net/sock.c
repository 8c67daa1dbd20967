#include "net/sock.h"

#include "base/alloc.h"
#include "net/tls.h"

/* Output is collected up to this and then offered to the kernel in one call. */
#define OUT_FULL (256 * 1024)
/* A buffer that grew over this is given back once it is empty. */
#define OUT_KEEP (64 * 1024)
#define TCP_KEEPALIVE_S 16

struct sock {
    uv_tcp_t *tcp;
    struct tls *tls;
    struct sock_scratch *scratch;
    struct sock_events events;
    void *ctx;
    bool ready, down, closing;
    struct buf out;     /* plain, collecting */
    struct buf sending; /* what uv_write() is busy with */
    uv_write_t write;
    bool writing;
    bool want_writable;
};

struct sock *sock_new(uv_tcp_t *tcp, struct tls *tls, struct sock_scratch *scratch,
                      const struct sock_events *events, void *ctx)
{
    struct sock *w = xm_alloc(sizeof *w);

    if (!w)
        return NULL;
    w->tcp = tcp;
    w->tls = tls;
    w->scratch = scratch;
    w->events = *events;
    w->ctx = ctx;
    tcp->data = w;
    w->write.data = w;
    return w;
}

static void go_down(struct sock *w, const struct err *why)
{
    if (w->down || w->closing)
        return;
    w->down = true;
    uv_read_stop((uv_stream_t *)w->tcp);
    w->events.on_down(w->ctx, why);
}

static void go_down_uv(struct sock *w, int status)
{
    struct err err;

    if (status == UV_EOF)
        err_set(&err, ERR_OFFLINE, "the other side closed the connection");
    else
        err_set(&err, ERR_OFFLINE, "connection lost: %s", uv_strerror(status));
    go_down(w, &err);
}

static bool dead(const struct sock *w)
{
    return w->down || w->closing;
}

/* ---- output ---- */

static void empty(struct buf *b)
{
    if (b->cap > OUT_KEEP)
        buf_free(b);
    else
        buf_reset(b);
}

static void on_written(uv_write_t *req, int status)
{
    struct sock *w = req->data;

    w->writing = false;
    empty(&w->sending);
    if (dead(w))
        return;
    if (status < 0) {
        go_down_uv(w, status);
        return;
    }
    sock_flush(w);
    if (!dead(w) && !w->writing && w->want_writable) {
        w->want_writable = false;
        w->events.on_writable(w->ctx);
    }
}

/* Hands `bytes` to the kernel; what it does not take at once moves to `sending`.  Returns false when
 * the connection went down. */
static bool offer(struct sock *w, struct slice bytes)
{
    uv_buf_t part = uv_buf_init((char *)(uintptr_t)bytes.data, (unsigned)bytes.len);
    struct err err;
    int n;

    n = uv_try_write((uv_stream_t *)w->tcp, &part, 1);
    if (n == UV_EAGAIN)
        n = 0;
    if (n < 0) {
        go_down_uv(w, n);
        return false;
    }
    if ((size_t)n == bytes.len)
        return true;
    buf_put(&w->sending, bytes.data + n, bytes.len - (size_t)n);
    if (!buf_ok(&w->sending)) {
        err_set(&err, ERR_NOMEM, "no memory for output");
        go_down(w, &err);
        return false;
    }
    part = uv_buf_init((char *)w->sending.data, (unsigned)w->sending.len);
    n = uv_write(&w->write, (uv_stream_t *)w->tcp, &part, 1, on_written);
    if (n < 0) {
        go_down_uv(w, n);
        return false;
    }
    w->writing = true;
    return true;
}

static void flush_tls(struct sock *w)
{
    struct slice cipher = tls_output(w->tls);

    if (cipher.len > 0) {
        offer(w, cipher);
        tls_output_done(w->tls);
    }
}

void sock_flush(struct sock *w)
{
    struct err err;

    if (dead(w))
        return;
    if (!buf_ok(&w->out)) {
        err_set(&err, ERR_NOMEM, "no memory for output");
        go_down(w, &err);
        return;
    }
    if (w->writing)
        return;
    if (!w->tls) {
        if (w->out.len == 0)
            return;
        offer(w, buf_slice(&w->out));
        empty(&w->out);
        return;
    }
    if (w->ready && w->out.len > 0) {
        if (tls_write(w->tls, buf_slice(&w->out), &err) != 0) {
            go_down(w, &err);
            return;
        }
        empty(&w->out);
    }
    flush_tls(w);
}

bool sock_room(const struct sock *w)
{
    return !dead(w) && w->ready && w->out.len < OUT_FULL;
}

void sock_put(struct sock *w, struct slice bytes)
{
    buf_put_slice(&w->out, bytes);
    w->want_writable = true;
}

bool sock_idle(const struct sock *w)
{
    return !w->writing && w->out.len == 0;
}

/* ---- input ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct sock *w = handle->data;

    (void)suggested;
    *buf = uv_buf_init(w->scratch->cipher, sizeof w->scratch->cipher);
}

static bool shake_hands(struct sock *w)
{
    struct err err;
    int r = tls_handshake(w->tls, &err);

    if (!w->writing)
        flush_tls(w); /* an alert tells the peer why, too */
    if (dead(w))
        return false;
    if (r < 0) {
        go_down(w, &err);
        return false;
    }
    if (r == 0)
        return false;
    w->ready = true;
    w->events.on_ready(w->ctx);
    return !dead(w);
}

static void read_plain(struct sock *w)
{
    struct err err;
    int n;

    while (!dead(w) && (n = tls_read(w->tls, w->scratch->plain, sizeof w->scratch->plain, &err)) != 0) {
        if (n == TLS_CLOSED) {
            go_down_uv(w, UV_EOF);
        } else if (n < 0) {
            go_down(w, &err);
        } else {
            w->events.on_bytes(w->ctx, slice_of(w->scratch->plain, (size_t)n));
        }
    }
    if (!dead(w) && !w->writing)
        flush_tls(w); /* key updates and the like */
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct sock *w = stream->data;
    struct err err;

    if (dead(w) || n == 0)
        return;
    if (n < 0) {
        go_down_uv(w, (int)n);
        return;
    }
    if (!w->tls) {
        w->events.on_bytes(w->ctx, slice_of(buf->base, (size_t)n));
        return;
    }
    if (tls_feed(w->tls, slice_of(buf->base, (size_t)n), &err) != 0) {
        go_down(w, &err);
        return;
    }
    if (w->ready || shake_hands(w))
        read_plain(w);
}

void sock_start(struct sock *w)
{
    int r;

    uv_tcp_nodelay(w->tcp, 1);
    uv_tcp_keepalive(w->tcp, 1, TCP_KEEPALIVE_S);
    r = uv_read_start((uv_stream_t *)w->tcp, on_alloc, on_read);
    if (r < 0) {
        go_down_uv(w, r);
        return;
    }
    if (w->tls) {
        shake_hands(w);
        return;
    }
    w->ready = true;
    w->events.on_ready(w->ctx);
}

bool sock_ready(const struct sock *w)
{
    return w->ready;
}

bool sock_resumed(const struct sock *w)
{
    return w->tls && tls_resumed(w->tls);
}

/* ---- end ---- */

static void on_tcp_closed(uv_handle_t *handle)
{
    struct sock *w = handle->data;
    struct sock_events events = w->events;
    void *ctx = w->ctx;

    tls_free(w->tls);
    buf_free(&w->out);
    buf_free(&w->sending);
    xm_free(w->tcp);
    xm_free(w);
    events.on_closed(ctx);
}

void sock_close(struct sock *w)
{
    if (w->closing)
        return;
    if (w->tls && w->ready && !w->down && !w->writing) {
        tls_shutdown(w->tls);
        flush_tls(w);
    }
    w->closing = true;
    uv_close((uv_handle_t *)w->tcp, on_tcp_closed);
}
