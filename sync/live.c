#include "sync/live.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/log.h"
#include "net/backoff.h"
#include "net/node_api.h"
#include "store/consent.h"
#include "store/cursors.h"
#include "store/groups.h"
#include "sync/core.h"
#include "sync/group_ids.h"
#include "sync/local_node.h"
#include "sync/receive.h"
#include "sync/welcome_receive.h"

#include <stdlib.h>
#include <string.h>

/* A page or two of messages: enough to keep the processing busy, little enough for memory. */
#define QUEUE_HIGH 256
#define QUEUE_LOW 64
/* A live connection of this age starts its backoff from the beginning. */
#define HEALTHY_MS 60000
/* More streams than this are joined into one by a fresh subscription. */
#define STREAMS_MAX 8

struct item {
    struct item *next;
    bool is_welcome;
    struct node_group_message message; /* slices into `bytes` */
    struct node_welcome_message welcome;
    uint8_t bytes[];
};

struct topic_stream {
    struct live *live;
    struct node_stream *stream; /* NULL once ended */
    bool is_live;
    struct topic_stream *next;
};

struct live {
    struct core *core;
    void (*changed)(void *ctx);
    void *ctx;
    unsigned states; /* wanted; 0: off */
    enum live_state state;
    struct err why;

    struct fiber *fiber; /* parked: waiting in park() */
    bool running, parked;
    bool refresh, lost;

    struct topic_stream *streams;
    uint8_t (*subscribed)[GROUP_ID_LEN]; /* sorted */
    size_t n_subscribed;

    struct item *first, *last;
    size_t n_items;
    bool paused;

    struct waiter {
        struct fiber *fiber;
        struct waiter *next;
    } *waiters;
};

/* ---- the fiber and its wake-ups ---- */

static void wake(struct live *live)
{
    if (!live->parked)
        return;
    live->parked = false;
    fiber_resume(live->fiber);
}

static void park(struct live *live)
{
    live->parked = true;
    fiber_suspend();
}

static bool wanted(const struct live *live)
{
    return live->states && !live->core->closing;
}

static void set_state(struct live *live, enum live_state state)
{
    struct waiter *waiters;

    if (live->state == state)
        return;
    live->state = state;
    live->changed(live->ctx);
    if (state == LIVE_CONNECTING)
        return;
    waiters = live->waiters;
    live->waiters = NULL;
    while (waiters) {
        struct waiter *next = waiters->next; /* on the stack of the fiber that runs on now */

        fiber_resume(waiters->fiber);
        waiters = next;
    }
}

/* ---- what arrives ---- */

static struct slice put(uint8_t **at, struct slice from)
{
    uint8_t *to = *at;

    if (from.len)
        memcpy(to, from.data, from.len);
    *at += from.len;
    return slice_of(to, from.len);
}

static void set_paused(struct live *live, bool paused)
{
    if (live->paused == paused)
        return;
    live->paused = paused;
    for (struct topic_stream *s = live->streams; s; s = s->next) {
        if (!s->stream)
            continue;
        if (paused)
            node_stream_pause(s->stream);
        else
            node_stream_resume(s->stream);
    }
}

static void append(struct live *live, struct item *item)
{
    if (live->last)
        live->last->next = item;
    else
        live->first = item;
    live->last = item;
    if (++live->n_items >= QUEUE_HIGH)
        set_paused(live, true);
    wake(live);
}

static void lose(struct live *live, int code, const struct err *err)
{
    live->lost = true;
    if (err)
        live->why = *err;
    else
        err_set(&live->why, (enum err_code)(code ? code : ERR_OFFLINE), "the node ended the stream");
    wake(live);
}

static void on_group_message(void *ctx, const struct node_group_message *m)
{
    struct topic_stream *stream = ctx;
    struct item *item = xm_alloc(sizeof *item + m->group_id.len + m->data.len + m->sender_hmac.len);
    uint8_t *at;

    if (!item) {
        lose(stream->live, ERR_NOMEM, NULL);
        return;
    }
    at = item->bytes;
    item->message = *m;
    item->message.group_id = put(&at, m->group_id);
    item->message.data = put(&at, m->data);
    item->message.sender_hmac = put(&at, m->sender_hmac);
    append(stream->live, item);
}

static void on_welcome(void *ctx, const struct node_welcome_message *w)
{
    struct topic_stream *stream = ctx;
    struct item *item = xm_alloc(sizeof *item + w->installation_key.len + w->data.len + w->hpke_public_key.len +
                                 w->metadata.len);
    uint8_t *at;

    if (!item) {
        lose(stream->live, ERR_NOMEM, NULL);
        return;
    }
    at = item->bytes;
    item->is_welcome = true;
    item->welcome = *w;
    item->welcome.installation_key = put(&at, w->installation_key);
    item->welcome.data = put(&at, w->data);
    item->welcome.hpke_public_key = put(&at, w->hpke_public_key);
    item->welcome.metadata = put(&at, w->metadata);
    append(stream->live, item);
}

static void on_stream_live(void *ctx)
{
    struct topic_stream *stream = ctx;

    stream->is_live = true;
    wake(stream->live);
}

static void on_stream_end(void *ctx, int code, const struct err *err)
{
    struct topic_stream *stream = ctx;

    stream->stream = NULL;
    lose(stream->live, code, code ? err : NULL);
}

static const struct node_stream_events stream_events = {
    .on_live = on_stream_live,
    .on_group_message = on_group_message,
    .on_welcome = on_welcome,
    .on_end = on_stream_end,
};

/* ---- which groups ---- */

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, GROUP_ID_LEN);
}

static int select_groups(struct live *live, struct group_ids *out, struct err *err)
{
    struct store_conversations_query query = {.consent_states = live->states, .duplicates = true, .bare = true};
    struct store *store = live->core->store;
    int r;

    if ((r = store_conversations_each(store, &query, group_ids_add_conversation, out, err)) != 0 ||
        (r = store_groups_each(store, STORE_TYPE_BIT(STORE_SYNC), group_ids_add_trusted, out, err)) != 0)
        return r;
    if (out->n)
        qsort(out->at, out->n, sizeof *out->at, by_bytes);
    return 0;
}

static bool is_subscribed(const struct live *live, const uint8_t id[GROUP_ID_LEN])
{
    return live->n_subscribed && bsearch(id, live->subscribed, live->n_subscribed, GROUP_ID_LEN, by_bytes);
}

/* ---- subscribing ---- */

static struct topic_stream *new_stream(struct live *live)
{
    struct topic_stream *s = xm_alloc(sizeof *s);

    if (!s)
        return NULL;
    s->live = live;
    s->next = live->streams;
    live->streams = s;
    return s;
}

static void close_streams(struct live *live, struct topic_stream *until)
{
    while (live->streams != until) {
        struct topic_stream *s = live->streams;

        live->streams = s->next;
        node_stream_close(s->stream);
        xm_free(s);
    }
}

/* Both cursors of each group: what was read of its commits and of its messages. */
static int fill_filters(struct core *core, uint8_t (*ids)[GROUP_ID_LEN], size_t n, struct node_group_filter *filters,
                        struct node_cursor *cursors, struct err *err)
{
    int64_t commit, application;
    int r;

    for (size_t i = 0; i < n; i++) {
        struct slice id = slice_of(ids[i], GROUP_ID_LEN);

        if ((r = store_cursor_get(core->store, id, STORE_CURSOR_COMMIT, NODE_ORIGINATOR_COMMITS, &commit, err)) != 0 ||
            (r = store_cursor_get(core->store, id, STORE_CURSOR_APPLICATION, NODE_ORIGINATOR_MESSAGES, &application,
                                  err)) != 0)
            return r;
        cursors[2 * i] = (struct node_cursor){NODE_ORIGINATOR_COMMITS, (uint64_t)commit};
        cursors[2 * i + 1] = (struct node_cursor){NODE_ORIGINATOR_MESSAGES, (uint64_t)application};
        filters[i] = (struct node_group_filter){id, {&cursors[2 * i], 2}};
    }
    return 0;
}

static int subscribe_groups(struct live *live, uint8_t (*ids)[GROUP_ID_LEN], size_t n, struct err *err)
{
    struct node_group_filter *filters = xm_calloc(n, sizeof *filters);
    struct node_cursor *cursors = xm_calloc(n, 2 * sizeof *cursors);
    struct topic_stream *s = NULL;
    int r = ERR_NOMEM;

    if (!filters || !cursors || !(s = new_stream(live))) {
        err_set(err, ERR_NOMEM, "out of memory");
        goto done;
    }
    if ((r = fill_filters(live->core, ids, n, filters, cursors, err)) != 0)
        goto done;
    r = node_subscribe_group_messages(live->core->api, filters, n, &stream_events, s, &s->stream, err);
done:
    xm_free(filters);
    xm_free(cursors);
    return r;
}

static int subscribe_welcomes(struct live *live, struct err *err)
{
    struct slice self = slice_of(live->core->self.installation_id, INSTALLATION_ID_LEN);
    struct topic_stream *s = new_stream(live);
    struct node_cursor cursor = {NODE_ORIGINATOR_WELCOMES, 0};
    struct node_welcome_filter filter = {self, {&cursor, 1}};
    int64_t read;
    int r;

    if (!s)
        return err_set(err, ERR_NOMEM, "out of memory");
    r = store_cursor_get(live->core->store, self, STORE_CURSOR_WELCOME, NODE_ORIGINATOR_WELCOMES, &read, err);
    if (r != 0)
        return r;
    cursor.sequence_id = (uint64_t)read;
    return node_subscribe_welcome_messages(live->core->api, &filter, 1, &stream_events, s, &s->stream, err);
}

static void remember(struct live *live, struct group_ids *selection)
{
    xm_free(live->subscribed);
    live->subscribed = selection->at;
    live->n_subscribed = selection->n;
    *selection = (struct group_ids){0};
}

static int wait_for_streams(struct live *live, struct err *err)
{
    for (;;) {
        bool all = true;

        for (struct topic_stream *s = live->streams; s; s = s->next)
            all &= s->is_live;
        if (live->lost) {
            if (err)
                *err = live->why;
            return live->why.code ? (int)live->why.code : ERR_OFFLINE;
        }
        if (!wanted(live))
            return err_set(err, ERR_CANCELED, "closing");
        if (all)
            return 0;
        park(live);
    }
}

static int connect_live(struct live *live, struct err *err)
{
    struct group_ids selection = {0};
    int r;

    live->lost = live->refresh = live->paused = false;
    if ((r = local_node_ensure(live->core, err)) != 0 || (r = welcomes_sync(live->core, NULL, err)) != 0 ||
        (r = select_groups(live, &selection, err)) != 0 || (r = subscribe_welcomes(live, err)) != 0 ||
        (r = subscribe_groups(live, selection.at, selection.n, err)) != 0)
        goto done;
    remember(live, &selection);
    r = wait_for_streams(live, err);
done:
    group_ids_free(&selection);
    return r;
}

/* Takes in what is new by a stream of its own; begins a fresh subscription where something has to go
 * or the streams have become many.  The new one is up before the old ones end. */
static int refresh_groups(struct live *live, struct err *err)
{
    struct group_ids now = {0}, fresh = {0};
    struct topic_stream *old = live->streams;
    size_t n_streams = 0;
    int r;

    live->refresh = false;
    if ((r = select_groups(live, &now, err)) != 0)
        goto done;
    for (size_t i = 0; i < now.n && r == 0; i++)
        if (!is_subscribed(live, now.at[i]))
            r = group_ids_add(&fresh, slice_of(now.at[i], GROUP_ID_LEN));
    for (struct topic_stream *s = live->streams; s; s = s->next)
        n_streams++;
    if (r != 0 || (!fresh.n && now.n == live->n_subscribed))
        goto done;
    if (now.n == live->n_subscribed + fresh.n && n_streams < STREAMS_MAX) {
        r = subscribe_groups(live, fresh.at, fresh.n, err);
        remember(live, &now);
        goto done;
    }
    if ((r = subscribe_welcomes(live, err)) == 0 && (r = subscribe_groups(live, now.at, now.n, err)) == 0 &&
        (r = wait_for_streams(live, err)) == 0) {
        struct topic_stream *kept = live->streams;

        while (kept->next != old)
            kept = kept->next;
        kept->next = NULL;
        kept = live->streams;
        live->streams = old;
        close_streams(live, NULL);
        live->streams = kept;
        remember(live, &now);
    }
done:
    group_ids_free(&now);
    group_ids_free(&fresh);
    return r;
}

/* ---- running ---- */

static struct item *take(struct live *live)
{
    struct item *item = live->first;

    if (!item)
        return NULL;
    live->first = item->next;
    if (!live->first)
        live->last = NULL;
    if (--live->n_items <= QUEUE_LOW)
        set_paused(live, false);
    return item;
}

static void drop_items(struct live *live)
{
    while (live->first) {
        struct item *item = live->first;

        live->first = item->next;
        xm_free(item);
    }
    live->last = NULL;
    live->n_items = 0;
}

static int process(struct live *live, struct err *err)
{
    struct item *item = take(live);
    int r;

    r = item->is_welcome ? welcome_from_stream(live->core, &item->welcome, err)
                         : group_from_stream(live->core, &item->message, err);
    xm_free(item);
    return r;
}

/* Messages that wait stay behind it, or nothing new would be read while one chat is busy; welcomes go first. */
static bool is_refresh_due(const struct live *live)
{
    return live->refresh && !(live->first && live->first->is_welcome);
}

/* Conversations and decisions come in crowds, each told of by itself: what this turn of the loop brings is taken
 * in before, and the groups are looked through once for all of it. */
static int refresh_soon(struct live *live, struct err *err)
{
    core_sleep(live->core, 0, NULL);
    return is_refresh_due(live) && wanted(live) ? refresh_groups(live, err) : 0;
}

static int run_live(struct live *live, struct err *err)
{
    int r = 0;

    while (wanted(live)) {
        if (is_refresh_due(live))
            r = refresh_soon(live, err);
        else if (live->first)
            r = process(live, err);
        else if (live->lost)
            break;
        else
            park(live);
        if (r != 0)
            return r;
    }
    if (live->lost && err)
        *err = live->why;
    return live->lost ? ERR_OFFLINE : 0;
}

static void live_fiber(struct core *core, void *ctx)
{
    struct live *live = ctx;
    struct backoff backoff;
    uint64_t since = 0;
    int r;

    live->fiber = fiber_self();
    backoff_init(&backoff, 1000, 60000);
    while (wanted(live)) {
        struct err err = {0};

        set_state(live, LIVE_CONNECTING);
        if ((r = connect_live(live, &err)) == 0) {
            since = clock_monotonic_ms(core->clock);
            set_state(live, LIVE_ON);
            r = run_live(live, &err);
            if (clock_monotonic_ms(core->clock) - since > HEALTHY_MS)
                backoff_reset(&backoff);
        }
        close_streams(live, NULL);
        drop_items(live);
        if (!wanted(live))
            break;
        if (r != 0)
            live->why = err;
        log_warn("live", "the stream was lost: %s", live->why.text);
        set_state(live, LIVE_LOST);
        if (core_sleep(core, backoff_next_ms(&backoff, core->rand), NULL) != 0)
            break;
    }
    live->running = false;
    set_state(live, LIVE_OFF);
}

/* ---- from outside ---- */

int live_new(struct core *core, void (*changed)(void *ctx), void *ctx, struct live **out, struct err *err)
{
    struct live *live = xm_alloc(sizeof *live);

    if (!live)
        return err_set(err, ERR_NOMEM, "out of memory");
    live->core = core;
    live->changed = changed;
    live->ctx = ctx;
    *out = live;
    return 0;
}

void live_free(struct live *live)
{
    if (!live)
        return;
    drop_items(live);
    xm_free(live->subscribed);
    xm_free(live);
}

void live_want(struct live *live, unsigned states)
{
    bool other = live->states != states;

    live->states = states;
    if (states && !live->running && !live->core->closing) {
        live->running = true;
        live->state = LIVE_CONNECTING;
        if (core_spawn(live->core, live_fiber, live, &live->why) != 0) {
            live->running = false;
            live->state = LIVE_LOST;
        }
    } else if (other) {
        live->refresh = states != 0;
        wake(live);
    }
}

void live_refresh(struct live *live)
{
    if (!live->running)
        return;
    live->refresh = true;
    wake(live);
}

void live_link_is_back(struct live *live)
{
    if (live->running && live->state == LIVE_LOST)
        core_rouse(live->core, live->fiber);
}

void live_joined(struct live *live, const uint8_t id[16])
{
    for (size_t i = 0; i < live->n_subscribed; i++)
        if (memcmp(live->subscribed[i], id, GROUP_ID_LEN) == 0) {
            live->n_subscribed--;
            memmove(live->subscribed + i, live->subscribed + i + 1, (live->n_subscribed - i) * GROUP_ID_LEN);
            break;
        }
    live_refresh(live);
}

void live_stop(struct live *live)
{
    live->states = 0;
    wake(live);
}

enum live_state live_state(const struct live *live)
{
    return live->state;
}

int live_wait(struct live *live, struct err *err)
{
    struct waiter me = {fiber_self(), NULL};

    if (live->state == LIVE_CONNECTING) {
        me.next = live->waiters;
        live->waiters = &me;
        fiber_suspend();
    }
    if (live->state == LIVE_ON)
        return 0;
    if (err)
        *err = live->why;
    return live->why.code ? (int)live->why.code : ERR_OFFLINE;
}
