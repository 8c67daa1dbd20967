#include "node/streams.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/log.h"
#include "net/grpc_server.h"
#include "node/messages.h"
#include "node/welcomes.h"

#include <stdlib.h>

enum { PAGE = 100 }; /* rows read in one go: some milliseconds at most */

struct stream {
    struct stream *prev, *next;       /* all streams */
    struct stream *due_next, **due_at; /* round robin of those with something to read; due_at NULL: not in it */
    struct streams *home;
    struct grpc_request *req;
    enum topic_kind kind;
    struct watch *behind, **behind_end;
    bool waiting; /* for streams_drained() */
    size_t watches_n;
    struct watch watches[];
};

struct streams {
    struct streams_config config;
    struct topics *topics;
    struct stream *all;
    struct stream *due, **due_end;
    size_t count, filters;
    struct buf scratch; /* one serialised row */
    uv_idle_t idle;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

/* ---- Round robin ---- */

static void due_remove(struct stream *s)
{
    if (s->due_at == NULL)
        return;
    *s->due_at = s->due_next;
    if (s->due_next != NULL)
        s->due_next->due_at = s->due_at;
    else
        s->home->due_end = s->due_at;
    s->due_at = NULL;
    s->due_next = NULL;
}

static void on_idle(uv_idle_t *idle);

static void due_add(struct stream *s)
{
    struct streams *h = s->home;

    if (s->due_at != NULL || s->waiting || s->behind == NULL)
        return;
    s->due_at = h->due_end;
    *h->due_end = s;
    h->due_end = &s->due_next;
    uv_idle_start(&h->idle, on_idle);
}

/* ---- Behind and live ---- */

static void set_behind(struct watch *w)
{
    struct stream *s = w->stream;

    if (w->behind)
        return;
    w->behind = true;
    w->behind_next = NULL;
    *s->behind_end = w;
    s->behind_end = &w->behind_next;
}

static void set_live(struct stream *s)
{
    struct watch *w = s->behind;

    w->behind = false;
    s->behind = w->behind_next;
    if (s->behind == NULL)
        s->behind_end = &s->behind;
}

/* Sends a row.  ERR_TOOBIG (full) and ERR_NOMEM of grpc_send(): the row stays to be read. */
static int send_row(struct watch *w, const struct buf *row, int64_t id)
{
    int r = buf_ok(row) ? grpc_send(w->stream->req, buf_slice(row)) : ERR_NOMEM;

    if (r == 0)
        w->cursor = id;
    return r;
}

/* Up to a page.  *sent is what send_row() said last: anything but 0 ended it early. */
static int read_groups(struct watch *w, struct buf *scratch, size_t *n, int *sent, struct err *err)
{
    struct group_rows rows;
    struct group_row row;
    int r = 0;

    group_rows_start(&rows, w->stream->home->config.db, slice_of(w->topic->name, w->topic->name_len), true, w->cursor,
                     PAGE);
    while (*sent == 0 && (r = group_rows_next(&rows, &row, err)) == DB_ROW) {
        buf_reset(scratch);
        group_row_put(scratch, &row);
        *sent = send_row(w, scratch, row.id);
        ++*n;
    }
    group_rows_end(&rows);
    return *sent != 0 ? 0 : r;
}

static int read_welcomes(struct watch *w, struct buf *scratch, size_t *n, int *sent, struct err *err)
{
    struct welcome_rows rows;
    struct welcome_row row;
    int r = 0;

    welcome_rows_start(&rows, w->stream->home->config.db, slice_of(w->topic->name, w->topic->name_len), true,
                       w->cursor, PAGE);
    while (*sent == 0 && (r = welcome_rows_next(&rows, &row, err)) == DB_ROW) {
        buf_reset(scratch);
        welcome_row_put(scratch, &row);
        *sent = send_row(w, scratch, row.id);
        ++*n;
    }
    welcome_rows_end(&rows);
    return *sent != 0 ? 0 : r;
}

static void end_stream(struct stream *s, int status, const char *text);

/* Up to a page in all: many quiet topics are passed over in one go. */
static void read_some(struct stream *s)
{
    size_t n = 0;
    int sent = 0;
    struct err err = {0};

    while (s->behind != NULL && n < PAGE && sent == 0) {
        size_t before = n;
        int r = s->kind == TOPIC_GROUP ? read_groups(s->behind, &s->home->scratch, &n, &sent, &err)
                                       : read_welcomes(s->behind, &s->home->scratch, &n, &sent, &err);

        if (r < 0) {
            log_error("streams", "reading for a stream: %s", err.text);
            end_stream(s, GRPC_UNAVAILABLE, "the node cannot read its database");
            return;
        }
        if (sent == ERR_NOMEM) {
            end_stream(s, GRPC_RESOURCE_EXHAUSTED, "out of memory");
            return;
        }
        if (sent == 0 && n - before < PAGE)
            set_live(s);
        n++; /* a topic without rows costs a look-up, too */
    }
    s->waiting = sent != 0;
    due_add(s);
}

static void on_idle(uv_idle_t *idle)
{
    struct streams *h = idle->data;
    struct stream *s = h->due;

    if (s == NULL) {
        uv_idle_stop(idle);
        return;
    }
    due_remove(s);
    read_some(s);
}

void streams_drained(struct streams *h, struct grpc_request *req)
{
    struct stream *s = grpc_request_data(req);

    (void)h;
    if (s == NULL)
        return;
    s->waiting = false;
    due_add(s);
}

/* ---- Opening and ending ---- */

int streams_open(const struct streams_config *config, struct streams **out, struct err *err)
{
    struct streams *h = xm_alloc(sizeof *h);
    int r;

    if (h == NULL)
        return err_set(err, ERR_NOMEM, "out of memory");
    if ((r = topics_new(&h->topics, err)) != 0) {
        xm_free(h);
        return r;
    }
    h->config = *config;
    h->due_end = &h->due;
    h->idle.data = h;
    uv_idle_init(config->loop, &h->idle);
    *out = h;
    return 0;
}

static void idle_closed(uv_handle_t *handle)
{
    struct streams *h = handle->data;
    void (*on_closed)(void *) = h->on_closed;
    void *ctx = h->closed_ctx;

    topics_free(h->topics);
    buf_free(&h->scratch);
    xm_free(h);
    if (on_closed != NULL)
        on_closed(ctx);
}

void streams_close(struct streams *h, void (*on_closed)(void *ctx), void *ctx)
{
    h->on_closed = on_closed;
    h->closed_ctx = ctx;
    uv_close((uv_handle_t *)&h->idle, idle_closed);
}

static void stream_free(struct stream *s)
{
    struct streams *h = s->home;
    size_t i;

    due_remove(s);
    for (i = 0; i < s->watches_n; i++)
        topics_unwatch(h->topics, &s->watches[i]);
    if (s->next != NULL)
        s->next->prev = s->prev;
    if (s->prev != NULL)
        s->prev->next = s->next;
    else
        h->all = s->next;
    h->count--;
    h->filters -= s->watches_n;
    xm_free(s);
}

static void end_stream(struct stream *s, int status, const char *text)
{
    struct grpc_request *req = s->req;

    stream_free(s);
    grpc_request_set_data(req, NULL);
    grpc_end(req, status, text);
}

static int compare_filters(const void *a, const void *b)
{
    const struct stream_filter *one = a, *two = b;
    int c = slice_cmp(one->name, two->name);

    if (c != 0)
        return c;
    return one->cursor < two->cursor ? -1 : one->cursor > two->cursor;
}

/* Sorted, names once, impossible names left out.  Returns how many are left. */
static size_t tidy(struct stream_filter *filters, size_t n)
{
    size_t i, kept = 0;

    qsort(filters, n, sizeof *filters, compare_filters);
    for (i = 0; i < n; i++) {
        if (filters[i].name.len > TOPIC_NAME_MAX || (kept > 0 && slice_eq(filters[kept - 1].name, filters[i].name)))
            continue;
        filters[kept++] = filters[i];
    }
    return kept;
}

static int add_watches(struct stream *s, const struct stream_filter *filters, size_t n, struct err *err)
{
    size_t i;
    int r;

    for (i = 0; i < n; i++) {
        struct watch *w = &s->watches[i];

        w->stream = s;
        w->cursor = filters[i].cursor > INT64_MAX ? INT64_MAX : (int64_t)filters[i].cursor;
        if ((r = topics_watch(s->home->topics, s->kind, filters[i].name, w, err)) != 0)
            return r;
        s->watches_n++;
        s->home->filters++;
        set_behind(w);
    }
    return 0;
}

int streams_add(struct streams *h, struct grpc_request *req, enum topic_kind kind, const struct stream_filter *filters,
                size_t filters_n, struct err *err)
{
    struct stream_filter *sorted = NULL;
    struct stream *s = NULL;
    size_t n = 0, i;
    int r;

    if (h->count >= h->config.max_streams)
        return err_set(err, ERR_TOOBIG, "%zu streams are open already", h->count);
    if (filters_n > h->config.max_filters - h->filters)
        return err_set(err, ERR_TOOBIG, "too many filters: %zu more than %zu", filters_n, h->filters);
    if (filters_n > 0) {
        if ((sorted = xm_calloc(filters_n, sizeof *sorted)) == NULL)
            return err_set(err, ERR_NOMEM, "out of memory");
        for (i = 0; i < filters_n; i++)
            sorted[i] = filters[i];
        n = tidy(sorted, filters_n);
    }
    if ((s = xm_alloc(sizeof *s + n * sizeof *s->watches)) == NULL) {
        r = err_set(err, ERR_NOMEM, "out of memory");
        goto done;
    }
    s->home = h;
    s->req = req;
    s->kind = kind;
    s->behind_end = &s->behind;
    s->next = h->all;
    if (h->all != NULL)
        h->all->prev = s;
    h->all = s;
    h->count++;
    if ((r = add_watches(s, sorted, n, err)) != 0) {
        stream_free(s);
        goto done;
    }
    grpc_request_set_data(req, s);
    grpc_request_drop_body(req);
    grpc_start(req);
    due_add(s);
done:
    xm_free(sorted);
    return r;
}

bool streams_cancel(struct streams *h, struct grpc_request *req)
{
    struct stream *s = grpc_request_data(req);

    (void)h;
    if (s == NULL)
        return false;
    stream_free(s);
    return true;
}

/* ---- Live rows ---- */

/* `row` as in scratch; where it cannot be sent now, it is read from the database later. */
static void announce(struct topic *topic, const struct buf *row, int64_t id)
{
    struct watch *w;

    for (w = topic->watches; w != NULL; w = w->topic_next) {
        struct stream *s = w->stream;

        if (w->behind || id <= w->cursor)
            continue;
        if (!s->waiting) {
            int r = send_row(w, row, id);

            if (r == 0)
                continue;
            s->waiting = r == ERR_TOOBIG;
        }
        set_behind(w);
        due_add(s);
    }
}

void streams_announce_group(struct streams *h, const struct group_row *row)
{
    struct topic *topic = topics_find(h->topics, TOPIC_GROUP, row->group_id);

    if (topic == NULL)
        return;
    buf_reset(&h->scratch);
    group_row_put(&h->scratch, row);
    announce(topic, &h->scratch, row->id);
}

void streams_announce_welcome(struct streams *h, const struct welcome_row *row)
{
    struct topic *topic = topics_find(h->topics, TOPIC_INSTALLATION, row->installation_key);

    if (topic == NULL)
        return;
    buf_reset(&h->scratch);
    welcome_row_put(&h->scratch, row);
    announce(topic, &h->scratch, row->id);
}

size_t streams_count(const struct streams *h)
{
    return h->count;
}
