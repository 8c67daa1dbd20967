#include "tests/sync/fake_node.h"

#include "base/err.h"
#include "base/reader.h"
#include "crypto/hash.h"
#include "identity/state.h"
#include "identity/update.h"
#include "mls/mls.h"
#include "net/node_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 100

struct fake_welcome {
    uint64_t id;
    uint8_t key[32];
    struct bytes data, hpke, metadata;
    uint32_t algorithm;
};

struct fake_update {
    uint64_t id;
    char inbox[65];
    struct bytes update;
};

struct fake_package {
    uint8_t key[32];
    struct bytes data;
};

/* A subscription: to the messages of some groups, or to one installation's welcomes. */
struct fake_stream {
    struct node_stream base;
    const struct node_stream_events *events;
    void *ctx;
    bool live, paused, of_welcomes;
    struct {
        uint8_t id[32];
        uint64_t cursor;
    } *topics;
    size_t n_topics;
    struct fake_stream *next;
};

struct fake_node {
    struct fake_stream *streams;
    uv_timer_t *pump; /* NULL: no streams */
    struct fake_message *messages;
    struct fake_welcome *welcomes;
    struct fake_update *updates;
    struct fake_package *packages;
    size_t n_messages, n_welcomes, n_updates, n_packages;
    uint64_t clock;
};

/* A test that runs out of memory may stop. */
static void *grow(void *at, size_t n, size_t size)
{
    void *grown = (n & (n - 1)) == 0 ? realloc(at, (n ? 2 * n : 1) * size) : at;

    if (!grown)
        abort();
    return grown;
}

/* Not through base/alloc.h: a test may make that fail. */
static void copy(struct slice from, struct bytes *out)
{
    *out = (struct bytes){malloc(from.len ? from.len : 1), from.len};
    if (!out->data)
        abort();
    if (from.len > 0)
        memcpy(out->data, from.data, from.len);
}

struct fake_node *fake_node_new(void)
{
    struct fake_node *node = calloc(1, sizeof *node);

    if (!node)
        abort();
    node->clock = UINT64_C(1700000000000000000);
    return node;
}

static void stream_free(struct fake_stream *stream)
{
    free(stream->topics);
    free(stream);
}

static void pump_closed(uv_handle_t *handle)
{
    free(handle);
}

void fake_node_free(struct fake_node *node)
{
    while (node->streams) {
        struct fake_stream *stream = node->streams;

        node->streams = stream->next;
        stream_free(stream);
    }
    if (node->pump)
        uv_close((uv_handle_t *)node->pump, pump_closed);
    for (size_t i = 0; i < node->n_messages; i++)
        bytes_free(&node->messages[i].data);
    for (size_t i = 0; i < node->n_welcomes; i++) {
        bytes_free(&node->welcomes[i].data);
        bytes_free(&node->welcomes[i].hpke);
        bytes_free(&node->welcomes[i].metadata);
    }
    for (size_t i = 0; i < node->n_updates; i++)
        bytes_free(&node->updates[i].update);
    for (size_t i = 0; i < node->n_packages; i++)
        bytes_free(&node->packages[i].data);
    free(node->messages);
    free(node->welcomes);
    free(node->updates);
    free(node->packages);
    free(node);
}

static struct fake_api *enter(struct node_api *base, int *r, struct err *err)
{
    struct fake_api *api = (struct fake_api *)base;

    bool fails = api->fail_call > 0 && --api->fail_call == 0;

    if (api->updated && api->away_after_update > 0 && --api->away_after_update == 0)
        api->offline = true;
    if (api->away_after > 1)
        api->away_after--;
    else if (api->away_after == 1)
        api->away_after = 0, api->offline = true;
    api->calls++;
    api->lost = fails && api->fail_after;
    *r = api->offline || (fails && !api->fail_after) ? err_set(err, ERR_OFFLINE, "the node is away") : 0;
    return api;
}

/* A call that changes nothing may as well fail at once. */
static struct fake_api *enter_reading(struct node_api *base, int *r, struct err *err)
{
    struct fake_api *api = enter(base, r, err);

    if (api->lost)
        *r = err_set(err, ERR_OFFLINE, "the answer is lost");
    return api;
}

/* What the caller hears of a call that did its work. */
static int leave(struct node_api *base, struct err *err)
{
    return ((struct fake_api *)base)->lost ? err_set(err, ERR_OFFLINE, "the answer is lost") : 0;
}

#define NEED(part)                                                                                                  \
    if (!(part)) {                                                                                                  \
        node_memory_free(out->memory);                                                                              \
        memset(out, 0, sizeof *out);                                                                                \
        return err_set(err, ERR_NOMEM, "out of memory");                                                            \
    }

/* ---- key packages ---- */

static int upload(struct node_api *base, struct slice data, struct err *err)
{
    int r;
    struct fake_node *node = enter(base, &r, err)->node;
    struct mls_key_package kp;
    struct fake_package *at = NULL;

    if (r != 0 || (r = mls_key_package_parse(data, &kp, err)) != 0)
        return r;
    for (size_t i = 0; i < node->n_packages; i++)
        if (memcmp(node->packages[i].key, kp.leaf.signature_key.data, 32) == 0)
            at = &node->packages[i];
    if (!at) {
        node->packages = grow(node->packages, node->n_packages, sizeof *at);
        at = &node->packages[node->n_packages++];
        memcpy(at->key, kp.leaf.signature_key.data, 32);
        at->data = (struct bytes){0};
    }
    bytes_free(&at->data);
    copy(data, &at->data);
    return leave(base, err);
}

static int fetch(struct node_api *base, const struct slice *keys, size_t count, struct node_key_packages *out,
                 struct err *err)
{
    int r;
    struct fake_api *api = enter_reading(base, &r, err);
    struct fake_node *node = api->node;

    if (r != 0)
        return r;
    if (api->refuse_packages)
        return err_set(err, ERR_REMOTE, "no key packages for you");
    NEED(out->memory = node_memory_new())
    NEED(out->packages = node_memory_array(out->memory, count, sizeof *out->packages))
    out->count = count;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < node->n_packages; k++)
            if (memcmp(node->packages[k].key, keys[i].data, 32) == 0)
                out->packages[i] = bytes_slice(&node->packages[k].data);
    return 0;
}

/* ---- group messages ---- */

static void wake_streams(struct fake_node *node);

static void store_message(struct fake_node *node, const uint8_t group_id[16], struct slice data, bool is_commit,
                          struct slice hmac, bool should_push)
{
    struct fake_message *m;

    for (size_t i = 0; i < node->n_messages; i++)
        if (slice_eq(bytes_slice(&node->messages[i].data), data))
            return;
    node->messages = grow(node->messages, node->n_messages, sizeof *m);
    m = &node->messages[node->n_messages++];
    *m = (struct fake_message){.id = node->n_messages, .created_ns = node->clock += 1000, .is_commit = is_commit,
                               .should_push = should_push, .has_hmac = hmac.len == 32};
    memcpy(m->group_id, group_id, 16);
    if (m->has_hmac)
        memcpy(m->hmac, hmac.data, 32);
    copy(data, &m->data);
    wake_streams(node);
}

void fake_node_inject(struct fake_node *node, const uint8_t group_id[16], struct slice data, bool is_commit)
{
    store_message(node, group_id, data, is_commit, slice_of(NULL, 0), false);
}

static int check_sizes(const struct fake_api *api, const struct node_group_send *messages, size_t count,
                       struct err *err)
{
    size_t all = 0;

    for (size_t i = 0; i < count; i++) {
        all += messages[i].data.len;
        if (api->message_max && messages[i].data.len > api->message_max)
            return err_set(err, ERR_REMOTE, "a message of %zu bytes", messages[i].data.len);
    }
    return api->request_max && all > api->request_max ? err_set(err, ERR_TOOBIG, "a request of %zu bytes", all) : 0;
}

static int send_messages(struct node_api *base, const struct node_group_send *messages, size_t count,
                         struct err *err)
{
    int r;
    struct fake_api *api = enter(base, &r, err);
    void (*hook)(void *) = api->before_send;

    if (r != 0)
        return r;
    api->sends++;
    api->before_send = NULL;
    if (hook)
        hook(api->before_send_ctx);
    if (api->refuse_messages)
        return err_set(err, ERR_REMOTE, "the node refuses");
    if ((r = check_sizes(api, messages, count, err)) != 0)
        return r;
    for (size_t i = 0; i < count; i++) {
        struct mls_message_view view;
        if (mls_message_peek(messages[i].data, &view, err) != 0 || view.group_id.len != 16)
            return err_set(err, ERR_REMOTE, "invalid group message");
        store_message(api->node, view.group_id.data, messages[i].data, view.content_type == MLS_CONTENT_COMMIT,
                      messages[i].sender_hmac, messages[i].should_push);
    }
    return api->lose_answers ? err_set(err, ERR_OFFLINE, "the answer is lost") : leave(base, err);
}

static uint64_t position(struct node_position after)
{
    uint64_t at = 0;

    for (size_t i = 0; i < after.count; i++)
        if (after.cursors[i].sequence_id > at)
            at = after.cursors[i].sequence_id;
    return at;
}

static struct node_group_message view_of(const struct fake_message *m)
{
    return (struct node_group_message){
        .cursor = {m->is_commit ? NODE_ORIGINATOR_COMMITS : NODE_ORIGINATOR_MESSAGES, m->id},
        .created_ns = m->created_ns,
        .group_id = slice_of(m->group_id, 16),
        .data = bytes_slice(&m->data),
        .sender_hmac = slice_of(m->hmac, m->has_hmac ? 32 : 0),
        .should_push = m->should_push,
        .is_commit = m->is_commit};
}

void fake_node_last(struct fake_node *node, struct node_group_message *out)
{
    *out = view_of(&node->messages[node->n_messages - 1]);
}

/* Copies: the ledger may grow while the reader works on its page. */
static int query_messages(struct node_api *base, struct slice group_id, struct node_position after,
                          struct node_group_page *out, struct err *err)
{
    int r;
    struct fake_api *api = enter_reading(base, &r, err);
    struct fake_node *node = api->node;
    uint64_t cursor = position(after);
    size_t bytes = 0, n = 0;
    uint8_t *at;

    if (r != 0)
        return r;
    api->queries++;
    for (size_t i = 0; i < node->n_messages && n < PAGE; i++)
        if (node->messages[i].id > cursor && memcmp(node->messages[i].group_id, group_id.data, 16) == 0) {
            bytes += node->messages[i].data.len;
            n++;
        }
    *out = (struct node_group_page){.memory = node_memory_new()};
    NEED(out->memory)
    NEED(out->messages = node_memory_array(out->memory, PAGE, sizeof *out->messages))
    NEED(at = node_memory_array(out->memory, bytes + 1, 1))
    for (size_t i = 0; i < node->n_messages && out->count < n; i++) {
        struct fake_message *m = &node->messages[i];
        if (m->id <= cursor || memcmp(m->group_id, group_id.data, 16) != 0)
            continue;
        out->messages[out->count] = view_of(m);
        memcpy(at, m->data.data, m->data.len);
        out->messages[out->count].data.data = at;
        out->messages[out->count++].group_id = group_id;
        at += m->data.len;
    }
    out->more = n == PAGE;
    return 0;
}

static int newest(struct node_api *base, const struct slice *ids, size_t count, struct node_newest *out,
                  struct err *err)
{
    int r;
    struct fake_node *node = enter_reading(base, &r, err)->node;

    if (r != 0)
        return r;
    *out = (struct node_newest){.count = count, .memory = node_memory_new()};
    NEED(out->memory)
    NEED(out->entries = node_memory_array(out->memory, count, sizeof *out->entries))
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < node->n_messages; k++)
            if (memcmp(node->messages[k].group_id, ids[i].data, 16) == 0) {
                out->entries[i].found = true;
                out->entries[i].message = view_of(&node->messages[k]);
            }
    return 0;
}

/* ---- welcomes ---- */

static int send_welcomes(struct node_api *base, const struct node_welcome_send *welcomes, size_t count,
                         struct err *err)
{
    int r;
    struct fake_api *api = enter(base, &r, err);
    struct fake_node *node = api->node;

    if (r == 0 && api->refuse_welcomes)
        r = err_set(err, ERR_REMOTE, "refused");
    for (size_t i = 0; r == 0 && i < count; i++) {
        struct fake_welcome *w;
        node->welcomes = grow(node->welcomes, node->n_welcomes, sizeof *w);
        w = &node->welcomes[node->n_welcomes++];
        *w = (struct fake_welcome){.id = node->n_welcomes, .algorithm = welcomes[i].wrapper_algorithm};
        memcpy(w->key, welcomes[i].installation_key.data, 32);
        copy(welcomes[i].data, &w->data);
        copy(welcomes[i].hpke_public_key, &w->hpke);
        copy(welcomes[i].metadata, &w->metadata);
    }
    wake_streams(node);
    return r != 0 ? r : leave(base, err);
}

static struct node_welcome_message welcome_view(struct fake_node *node, const struct fake_welcome *w)
{
    return (struct node_welcome_message){.cursor = {NODE_ORIGINATOR_WELCOMES, w->id},
                                         .created_ns = node->clock += 1000,
                                         .installation_key = slice_of(w->key, 32),
                                         .data = bytes_slice(&w->data),
                                         .hpke_public_key = bytes_slice(&w->hpke),
                                         .wrapper_algorithm = w->algorithm,
                                         .metadata = bytes_slice(&w->metadata)};
}

static int query_welcomes(struct node_api *base, struct slice key, struct node_position after,
                          struct node_welcome_page *out, struct err *err)
{
    int r;
    struct fake_api *api = enter_reading(base, &r, err);
    struct fake_node *node = api->node;
    uint64_t cursor = position(after);

    if (r != 0)
        return r;
    api->welcome_queries++;
    *out = (struct node_welcome_page){.memory = node_memory_new()};
    NEED(out->memory)
    NEED(out->welcomes = node_memory_array(out->memory, PAGE, sizeof *out->welcomes))
    for (size_t i = 0; i < node->n_welcomes && out->count < PAGE; i++) {
        struct fake_welcome *w = &node->welcomes[i];
        if (w->id > cursor && memcmp(w->key, key.data, 32) == 0)
            out->welcomes[out->count++] = welcome_view(node, w);
    }
    out->more = out->count == PAGE;
    return 0;
}

/* ---- identities ---- */

static int state_of(struct fake_node *node, const char *inbox, struct identity_state **out)
{
    struct identity_log_entry log[256];
    size_t n = 0;

    for (size_t i = 0; i < node->n_updates && n < 256; i++)
        if (strcmp(node->updates[i].inbox, inbox) == 0)
            log[n++] = (struct identity_log_entry){node->updates[i].id, bytes_slice(&node->updates[i].update)};
    return n == 0 ? ERR_NOTFOUND : identity_state_at(NULL, log, n, 0, NULL, out, NULL, NULL);
}

static int publish_update(struct node_api *base, struct slice data, struct err *err)
{
    int r;
    struct fake_api *api = enter(base, &r, err);
    struct fake_node *node = api->node;
    struct identity_update update = {0};
    struct identity_state *old = NULL, *after = NULL;
    struct fake_update *at;

    if (r != 0 || (r = identity_update_parse(data, &update, err)) != 0)
        return r;
    node->updates = grow(node->updates, node->n_updates, sizeof *at);
    at = &node->updates[node->n_updates];
    *at = (struct fake_update){.id = node->n_updates + 1};
    snprintf(at->inbox, sizeof at->inbox, "%.*s", (int)update.inbox_id.len, (const char *)update.inbox_id.data);
    state_of(node, at->inbox, &old);
    if ((r = identity_state_advance(old, data, at->id, NULL, &after, NULL, err)) == 0) {
        copy(data, &at->update);
        node->n_updates++;
        api->updated = true;
    } else {
        r = ERR_REMOTE;
    }
    identity_state_free(old);
    identity_state_free(after);
    identity_update_free(&update);
    return r != 0 ? r : leave(base, err);
}

static int get_updates(struct node_api *base, const struct node_inbox_request *requests, size_t count,
                       struct node_inbox_updates *out, struct err *err)
{
    int r;
    struct fake_api *api = enter_reading(base, &r, err);
    struct fake_node *node = api->node;
    void (*hook)(void) = api->before_updates;
    struct node_identity_update *u;

    if (r != 0)
        return r;
    api->before_updates = NULL;
    if (hook)
        hook();
    NEED(out->memory = node_memory_new())
    NEED(out->inboxes = node_memory_array(out->memory, count, sizeof *out->inboxes))
    NEED(u = node_memory_array(out->memory, count * (node->n_updates + 1), sizeof *u))
    out->count = count;
    for (size_t i = 0; i < count; i++) {
        out->inboxes[i] = (struct node_inbox_log){.inbox_id = requests[i].inbox_id, .updates = u};
        for (size_t k = 0; k < node->n_updates; k++)
            if (node->updates[k].id > requests[i].after_sequence_id &&
                strcmp(node->updates[k].inbox, requests[i].inbox_id) == 0)
                out->inboxes[i].updates[out->inboxes[i].count++] = (struct node_identity_update){
                    .cursor = {NODE_ORIGINATOR_IDENTITY, node->updates[k].id},
                    .server_time_ns = node->clock,
                    .update = bytes_slice(&node->updates[k].update)};
        u += out->inboxes[i].count;
    }
    return 0;
}

static int get_inbox_ids(struct node_api *base, const struct node_identifier *ids, size_t count,
                         struct node_inbox_ids *out, struct err *err)
{
    int r;
    struct fake_node *node = enter_reading(base, &r, err)->node;

    if (r != 0)
        return r;
    NEED(out->memory = node_memory_new())
    NEED(out->inbox_ids = node_memory_array(out->memory, count, sizeof *out->inbox_ids))
    out->count = count;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < node->n_updates; k++) {
            struct identity_state *state = NULL;
            if (state_of(node, node->updates[k].inbox, &state) == 0 &&
                identity_state_member(state, ident_ethereum(ids[i].text)))
                out->inbox_ids[i] = node->updates[k].inbox;
            identity_state_free(state);
        }
    for (size_t i = 0; i < count && ((struct fake_api *)base)->names_inbox; i++)
        out->inbox_ids[i] = ((struct fake_api *)base)->names_inbox;
    return 0;
}

/* ---- streams ---- */

static void wake_streams(struct fake_node *node)
{
    if (node->pump)
        uv_timer_start(node->pump, node->pump->timer_cb, 0, 0);
}

static struct fake_message *next_message(struct fake_node *node, struct fake_stream *stream, size_t *topic)
{
    for (size_t i = 0; i < node->n_messages; i++)
        for (size_t k = 0; k < stream->n_topics; k++)
            if (node->messages[i].id > stream->topics[k].cursor &&
                memcmp(node->messages[i].group_id, stream->topics[k].id, 16) == 0) {
                *topic = k;
                return &node->messages[i];
            }
    return NULL;
}

static struct fake_welcome *next_welcome(struct fake_node *node, struct fake_stream *stream)
{
    for (size_t i = 0; i < node->n_welcomes; i++)
        if (node->welcomes[i].id > stream->topics[0].cursor &&
            memcmp(node->welcomes[i].key, stream->topics[0].id, 32) == 0)
            return &node->welcomes[i];
    return NULL;
}

/* One step of one stream; whatever it led to, the list is looked at afresh afterwards. */
static bool step(struct fake_node *node, struct fake_stream *stream)
{
    struct node_group_message message;
    struct node_welcome_message welcome;
    struct fake_message *m;
    struct fake_welcome *w;
    size_t topic;

    if (!stream->live) {
        stream->live = true;
        stream->events->on_live(stream->ctx);
        return true;
    }
    if (stream->paused)
        return false;
    if (stream->of_welcomes) {
        if (!(w = next_welcome(node, stream)))
            return false;
        stream->topics[0].cursor = w->id;
        welcome = welcome_view(node, w);
        stream->events->on_welcome(stream->ctx, &welcome);
        return true;
    }
    if (!(m = next_message(node, stream, &topic)))
        return false;
    stream->topics[topic].cursor = m->id;
    message = view_of(m);
    stream->events->on_group_message(stream->ctx, &message);
    return true;
}

static void on_pump(uv_timer_t *timer)
{
    struct fake_node *node = timer->data;
    struct fake_stream *s = node->streams;

    while (s) /* a step may have closed its stream, and others */
        s = step(node, s) ? node->streams : s->next;
}

void fake_node_attach(struct fake_node *node, uv_loop_t *loop)
{
    node->pump = calloc(1, sizeof *node->pump);
    if (!node->pump)
        abort();
    uv_timer_init(loop, node->pump);
    node->pump->data = node;
    node->pump->timer_cb = on_pump;
}

static int subscribe(struct node_api *base, size_t n, const struct node_stream_events *events, void *ctx,
                     struct fake_stream **out, struct err *err)
{
    int r;
    struct fake_node *node = enter_reading(base, &r, err)->node;
    struct fake_stream *stream = calloc(1, sizeof *stream);

    if (!stream || !(stream->topics = calloc(n + 1, sizeof *stream->topics)))
        abort();
    if (r != 0) {
        stream_free(stream);
        return r;
    }
    stream->base.api = base;
    stream->events = events;
    stream->ctx = ctx;
    stream->n_topics = n;
    stream->next = node->streams;
    node->streams = stream;
    wake_streams(node);
    *out = stream;
    return 0;
}

static int subscribe_groups(struct node_api *base, const struct node_group_filter *filters, size_t count,
                            const struct node_stream_events *events, void *ctx, struct node_stream **out,
                            struct err *err)
{
    struct fake_stream *stream;
    int r = subscribe(base, count, events, ctx, &stream, err);

    ((struct fake_api *)base)->subscriptions++;
    if (r != 0)
        return r;
    for (size_t i = 0; i < count; i++) {
        memcpy(stream->topics[i].id, filters[i].group_id.data, 16);
        stream->topics[i].cursor = position(filters[i].after);
    }
    *out = &stream->base;
    return 0;
}

static int subscribe_welcomes(struct node_api *base, const struct node_welcome_filter *filters, size_t count,
                              const struct node_stream_events *events, void *ctx, struct node_stream **out,
                              struct err *err)
{
    struct fake_stream *stream;
    int r = subscribe(base, count, events, ctx, &stream, err);

    if (r != 0)
        return r;
    memcpy(stream->topics[0].id, filters[0].installation_key.data, 32);
    stream->topics[0].cursor = position(filters[0].after);
    stream->of_welcomes = true;
    *out = &stream->base;
    return 0;
}

static void stream_pause(struct node_stream *base)
{
    ((struct fake_stream *)base)->paused = true;
}

static void stream_resume(struct node_stream *base)
{
    ((struct fake_stream *)base)->paused = false;
    wake_streams(((struct fake_api *)base->api)->node);
}

static void stream_close(struct node_stream *base)
{
    struct fake_stream *stream = (struct fake_stream *)base;
    struct fake_stream **at = &((struct fake_api *)base->api)->node->streams;

    while (*at != stream)
        at = &(*at)->next;
    *at = stream->next;
    stream_free(stream);
}

void fake_api_cut(struct fake_api *api)
{
    struct fake_stream **at = &api->node->streams;

    while (*at) {
        struct fake_stream *stream = *at;
        struct err err = {0};

        if (stream->base.api != &api->base) {
            at = &stream->next;
            continue;
        }
        *at = stream->next;
        err_set(&err, ERR_OFFLINE, "the connection is lost");
        stream->events->on_end(stream->ctx, ERR_OFFLINE, &err);
        stream_free(stream);
        at = &api->node->streams;
    }
}

/* ---- the rest ---- */

static enum grpc_link link_state(struct node_api *base)
{
    return ((struct fake_api *)base)->offline ? GRPC_LINK_OFFLINE : GRPC_LINK_LIVE;
}

static uint64_t last_heard(struct node_api *base)
{
    (void)base;
    return 1;
}

static void cancel_all(struct node_api *base)
{
    (void)base;
}

static void close_api(struct node_api *base, void (*on_closed)(void *ctx), void *ctx)
{
    (void)base;
    if (on_closed)
        on_closed(ctx);
}

static const struct node_api_ops ops = {.upload_key_package = upload,
                                        .fetch_key_packages = fetch,
                                        .send_group_messages = send_messages,
                                        .send_welcome_messages = send_welcomes,
                                        .query_group_messages = query_messages,
                                        .query_welcome_messages = query_welcomes,
                                        .newest_group_messages = newest,
                                        .publish_identity_update = publish_update,
                                        .get_identity_updates = get_updates,
                                        .get_inbox_ids = get_inbox_ids,
                                        .subscribe_group_messages = subscribe_groups,
                                        .subscribe_welcome_messages = subscribe_welcomes,
                                        .stream_pause = stream_pause,
                                        .stream_resume = stream_resume,
                                        .stream_close = stream_close,
                                        .link = link_state,
                                        .last_heard_ms = last_heard,
                                        .cancel_all = cancel_all,
                                        .close = close_api};

void fake_api_init(struct fake_api *api, struct fake_node *node)
{
    *api = (struct fake_api){.base = {&ops}, .node = node};
}

size_t fake_node_messages(struct fake_node *node, struct fake_message **out)
{
    *out = node->messages;
    return node->n_messages;
}

size_t fake_node_welcomes(struct fake_node *node)
{
    return node->n_welcomes;
}

size_t fake_node_identity_updates(struct fake_node *node)
{
    return node->n_updates;
}

void fake_node_pop(struct fake_node *node, uint8_t group_id[16], struct bytes *data)
{
    struct fake_message *m = &node->messages[--node->n_messages];

    memcpy(group_id, m->group_id, 16);
    *data = m->data;
}

void fake_node_pop_welcome(struct fake_node *node, struct node_welcome_message *like, struct bytes *data,
                           struct bytes *hpke, struct bytes *metadata)
{
    struct fake_welcome *w = &node->welcomes[--node->n_welcomes];

    *like = (struct node_welcome_message){.installation_key = slice_of(w->key, 32)};
    *data = w->data;
    *hpke = w->hpke;
    *metadata = w->metadata;
}

void fake_node_inject_welcome(struct fake_node *node, const uint8_t key[32], struct slice data, struct slice hpke,
                              struct slice metadata)
{
    struct fake_welcome *w;

    node->welcomes = grow(node->welcomes, node->n_welcomes, sizeof *w);
    w = &node->welcomes[node->n_welcomes++];
    *w = (struct fake_welcome){.id = node->n_welcomes, .algorithm = 1};
    memcpy(w->key, key, 32);
    copy(data, &w->data);
    copy(hpke, &w->hpke);
    copy(metadata, &w->metadata);
    wake_streams(node);
}
