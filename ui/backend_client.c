/* The backend of the real program: the client core of this process. */
#include "base/alloc.h"
#include "ui/backend.h"

#include <stdio.h>

struct client_backend {
    struct ui_backend base;
    const struct xm_options *options;
    struct xm_client *client;
    struct xm_reader *reader; /* opened at the first read */
};

static struct client_backend *of(struct ui_backend *b)
{
    return (struct client_backend *)b;
}

static enum xm_home_state inspect(struct ui_backend *b)
{
    return of(b)->options->db_key ? XM_HOME_NEEDS_KEY : xm_home_inspect(of(b)->options->home);
}

static int open_client(struct ui_backend *b, const char *passphrase, struct xm_error *error)
{
    struct xm_options options = *of(b)->options;

    if (of(b)->client)
        return XM_OK;
    if (passphrase)
        options.passphrase = passphrase;
    return xm_client_open(&options, &of(b)->client, error);
}

static int64_t call(struct ui_backend *b, const char *method, const char *params, struct xm_error *error)
{
    return xm_client_call(of(b)->client, method, params, error);
}

static int read_now(struct ui_backend *b, const char *method, const char *params, char **result, struct xm_error *error)
{
    struct client_backend *c = of(b);
    int r;

    if (!c->reader && (r = xm_reader_open(c->client, &c->reader, error)) != XM_OK)
        return r;
    return xm_reader_call(c->reader, method, params, result, error);
}

static int event_fd(struct ui_backend *b)
{
    return of(b)->client ? xm_client_fd(of(b)->client) : -1;
}

static struct xm_event *next_event(struct ui_backend *b)
{
    return of(b)->client ? xm_client_next(of(b)->client) : NULL;
}

static void close_client(struct ui_backend *b)
{
    xm_reader_close(of(b)->reader);
    xm_client_close(of(b)->client);
    xm_free(b);
}

static const struct ui_backend_ops ops = {
    .inspect = inspect,
    .open = open_client,
    .call = call,
    .read = read_now,
    .free_text = xm_free_text,
    .fd = event_fd,
    .next = next_event,
    .event_free = xm_event_free,
    .close = close_client,
};

struct ui_backend *backend_client(const struct xm_options *options)
{
    struct client_backend *c = xm_alloc(sizeof *c);

    if (!c)
        return NULL;
    c->base.ops = &ops;
    c->options = options;
    return &c->base;
}
