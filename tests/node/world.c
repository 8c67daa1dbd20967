#include "tests/node/world.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rand.h"
#include "crypto/crypto.h"
#include "identity/key_package.h"
#include "identity/request.h"
#include "mls/mls.h"
#include "net/status.h"
#include "proto/wire.h"
#include "proto/xmtp_mls_api.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/test.h"

enum { PATIENCE_MS = 20000 };

/* ---- The loop ---- */

static void on_timeout(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

static void timer_closed(uv_handle_t *handle)
{
    xm_free(handle);
}

void world_until(struct world *w, const bool *flag)
{
    uv_timer_t *timer = xm_alloc(sizeof *timer);
    bool late = false;

    assert_non_null(timer);
    uv_timer_init(&w->loop, timer);
    timer->data = &late;
    uv_timer_start(timer, on_timeout, PATIENCE_MS, 0);
    while (!*flag && !late)
        uv_run(&w->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)timer, timer_closed);
    if (late)
        fail_msg("nothing happened for %d s", PATIENCE_MS / 1000);
}

static void set_flag(void *ctx)
{
    *(bool *)ctx = true;
}

static void start(struct world *w)
{
    static const char *const listen[] = {"127.0.0.1:0"};
    struct grpc_client_config client = {.backoff_min_ms = 10, .backoff_max_ms = 50};
    char url[64];
    struct err err = {0};

    w->config.db_path = w->db_path;
    w->config.listen = listen;
    w->config.listen_n = 1;
    if (node_open(&w->loop, &w->config, &w->node, &err) != 0)
        fail_msg("node: %s", err.text);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", node_port(w->node));
    client.url = url;
    if (grpc_client_open(&w->loop, &client, &w->client, &err) != 0)
        fail_msg("client: %s", err.text);
}

void world_stop_node(struct world *w)
{
    bool closed = false;

    node_close(w->node, set_flag, &closed);
    world_until(w, &closed);
    w->node = NULL;
}

void world_stop_client(struct world *w)
{
    bool closed = false;

    grpc_client_close(w->client, set_flag, &closed);
    world_until(w, &closed);
    w->client = NULL;
}

static void stop(struct world *w)
{
    if (w->node != NULL)
        world_stop_node(w);
    if (w->client != NULL)
        world_stop_client(w);
}

static void open_as(struct world *w, const struct node_config *config)
{
    *w = (struct world){.config = *config};
    assert_int_equal(crypto_init(NULL), 0);
    assert_int_equal(uv_loop_init(&w->loop), 0);
    snprintf(w->dir, sizeof w->dir, "/tmp/test-node-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    snprintf(w->db_path, sizeof w->db_path, "%s/deep/node.db", w->dir);
    start(w);
}

void world_open(struct world *w, const struct node_limits *limits)
{
    struct node_config config = {0};

    if (limits != NULL)
        config.limits = *limits;
    open_as(w, &config);
}

void world_open_at(struct world *w, const struct clock *clock)
{
    struct node_config config = {.clock = clock};

    open_as(w, &config);
}

void world_restart(struct world *w)
{
    stop(w);
    start(w);
}

void world_close(struct world *w)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
    char path[128];
    size_t i;

    stop(w);
    proto_arena_free(&w->arena);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    for (i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        snprintf(path, sizeof path, "%s%s", w->db_path, suffixes[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/deep", w->dir);
    rmdir(path);
    rmdir(w->dir);
}

/* ---- Calls ---- */

struct call {
    struct world *world;
    struct bytes *reply;
    bool *done;
};

static void on_done(void *ctx, const struct grpc_outcome *outcome)
{
    struct call *call = ctx;

    call->world->status = outcome->status;
    snprintf(call->world->text, sizeof call->world->text, "%s", outcome->message != NULL ? outcome->message : "");
    if (call->reply != NULL && outcome->status == GRPC_OK)
        assert_int_equal(bytes_dup(outcome->body, call->reply), 0);
    *call->done = true;
}

int world_call_bytes(struct world *w, const char *path, struct slice request, struct bytes *reply)
{
    bool done = false;
    struct call call = {.world = w, .reply = reply, .done = &done};
    struct grpc_call *handle;
    struct err err = {0};

    if (grpc_unary(w->client, path, request, PATIENCE_MS, on_done, &call, &handle, &err) != 0)
        fail_msg("%s: %s", path, err.text);
    world_until(w, &done);
    return w->status;
}

int world_call(struct world *w, enum proto_method method, const void *request, void *reply)
{
    const struct proto_method_info *info = proto_method_info(method);
    struct bytes bytes = {0};
    struct buf packed = BUF_INIT;
    struct err err = {0};

    proto_pack(&packed, request);
    world_call_bytes(w, info->path, buf_slice(&packed), &bytes);
    buf_free(&packed);
    if (w->status == GRPC_OK && reply != NULL) {
        proto_arena_reset(&w->arena);
        if (proto_unpack(info->reply, bytes_slice(&bytes), &w->arena, reply, &err) != 0)
            fail_msg("%s: %s", info->path, err.text);
    }
    if (w->status == GRPC_OK && info->reply == NULL)
        assert_int_equal(bytes.len, 0);
    bytes_free(&bytes);
    return w->status;
}

static void on_one_done(void *ctx, const struct grpc_outcome *outcome)
{
    struct world_calls *calls = ctx;

    if (outcome->status != GRPC_OK)
        fail_msg("a call of many: %s", outcome->message);
    calls->left--;
}

void world_calls_start(struct world_calls *calls, struct world *w, enum proto_method method, const struct buf *requests,
                       size_t n)
{
    struct grpc_call *handle;
    size_t i;

    *calls = (struct world_calls){w, n};
    for (i = 0; i < n; i++)
        assert_int_equal(grpc_unary(w->client, proto_method_info(method)->path, buf_slice(&requests[i]), PATIENCE_MS,
                                    on_one_done, calls, &handle, NULL),
                         0);
}

/* Each call has a deadline, so this ends. */
void world_calls_wait(struct world_calls *calls)
{
    while (calls->left > 0)
        uv_run(&calls->world->loop, UV_RUN_ONCE);
}

/* ---- Streams ---- */

static void on_headers(void *ctx)
{
    ((struct world_stream *)ctx)->open = true;
}

static void on_message(void *ctx, struct slice message)
{
    struct world_stream *s = ctx;

    s->messages = xm_realloc(s->messages, s->n + 1, sizeof *s->messages);
    assert_non_null(s->messages);
    assert_int_equal(bytes_dup(message, &s->messages[s->n]), 0);
    s->n++;
    if (s->pause_at != 0 && s->n == s->pause_at) {
        s->paused = true;
        grpc_call_pause(s->call);
    }
}

static void on_end(void *ctx, const struct grpc_outcome *outcome)
{
    struct world_stream *s = ctx;

    s->open = true; /* as far as waiting goes */
    s->ended = true;
    s->call = NULL;
    s->status = outcome->status;
    snprintf(s->text, sizeof s->text, "%s", outcome->message != NULL ? outcome->message : "");
}

void world_stream_open(struct world_stream *s, struct world *w, enum proto_method method, const void *request)
{
    static const struct grpc_stream_events events = {on_headers, on_message, on_end};
    struct buf packed = BUF_INIT;
    size_t pause_at = s->pause_at;

    *s = (struct world_stream){.world = w, .pause_at = pause_at};
    proto_pack(&packed, request);
    assert_int_equal(grpc_stream_open(w->client, proto_method_info(method)->path, buf_slice(&packed), PATIENCE_MS,
                                      &events, s, &s->call, NULL),
                     0);
    buf_free(&packed);
    world_until(w, &s->open);
}

void world_stream_wait(struct world_stream *s, size_t n)
{
    uv_timer_t *timer = xm_alloc(sizeof *timer);
    bool late = false;

    assert_non_null(timer);
    uv_timer_init(&s->world->loop, timer);
    timer->data = &late;
    uv_timer_start(timer, on_timeout, PATIENCE_MS, 0);
    while (s->n < n && !s->ended && !late)
        uv_run(&s->world->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)timer, timer_closed);
    if (s->n < n)
        fail_msg("the stream gave %zu of %zu messages: %s", s->n, n, s->text);
}

void world_stream_close(struct world_stream *s)
{
    size_t i;

    if (s->call != NULL) {
        grpc_call_cancel(s->call);
        world_until(s->world, &s->ended);
    }
    for (i = 0; i < s->n; i++)
        bytes_free(&s->messages[i]);
    xm_free(s->messages);
    s->messages = NULL;
    s->n = 0;
}

/* ---- Content ---- */

void make_message(struct buf *out, const char *group, uint8_t content_type, const void *mark, size_t mark_len)
{
    buf_put_u16(out, 1);                         /* mls10 */
    buf_put_u16(out, MLS_WIRE_PRIVATE_MESSAGE);
    buf_put_vec(out, slice_of(group, 16));
    buf_put_u64(out, 0);                         /* epoch */
    buf_put_u8(out, content_type);
    buf_put_vec(out, slice_of(NULL, 0));         /* authenticated data */
    buf_put_vec(out, slice_of("sender data", 11));
    buf_put_vec(out, slice_of(mark, mark_len));  /* ciphertext */
}

void make_send_request(struct buf *out, const char *group, uint8_t content_type, const void *mark, size_t mark_len)
{
    Xmtp__Mls__Api__V1__GroupMessageInput__V1 v1 = XMTP__MLS__API__V1__GROUP_MESSAGE_INPUT__V1__INIT;
    Xmtp__Mls__Api__V1__GroupMessageInput input = XMTP__MLS__API__V1__GROUP_MESSAGE_INPUT__INIT, *inputs[] = {&input};
    Xmtp__Mls__Api__V1__SendGroupMessagesRequest request = XMTP__MLS__API__V1__SEND_GROUP_MESSAGES_REQUEST__INIT;
    struct buf data = BUF_INIT;

    make_message(&data, group, content_type, mark, mark_len);
    v1.data = proto_bytes(buf_slice(&data));
    v1.sender_hmac = proto_bytes(slice_str("hmac"));
    v1.should_push = true;
    input.version_case = XMTP__MLS__API__V1__GROUP_MESSAGE_INPUT__VERSION_V1;
    input.v1 = &v1;
    request.messages = inputs;
    request.n_messages = 1;
    proto_pack(out, &request);
    buf_free(&data);
}

int send_message(struct world *w, const char *group, uint8_t content_type, const char *mark)
{
    struct buf request = BUF_INIT;

    make_send_request(&request, group, content_type, mark, strlen(mark));
    world_call_bytes(w, proto_method_info(PROTO_MLS_SEND_GROUP_MESSAGES)->path, buf_slice(&request), NULL);
    buf_free(&request);
    return w->status;
}

void person_make(struct person *p, uint64_t seed)
{
    struct rand_seed state;
    struct rand rand = rand_seeded(&state, seed);

    eth_generate(&rand, &p->wallet);
    ed25519_generate(&rand, &p->installation);
    eth_address(&p->wallet, p->address);
}

void person_registration(struct person *p, struct bytes *update)
{
    struct identity_request *req = NULL;
    struct err err = {0};

    if (request_registration(ident_ethereum(p->address), INBOX_NONCE_DEFAULT, &p->installation, 1, p->inbox_id, &req,
                             &err) != 0)
        fail_msg("registration: %s", err.text);
    request_sign_installation(req, &p->installation, NULL);
    if (request_sign_wallet(req, &p->wallet, &err) != 0 || request_finish(req, update, &err) != 0)
        fail_msg("registration: %s", err.text);
    request_free(req);
}

int publish_update(struct world *w, struct slice update)
{
    struct buf request = BUF_INIT;
    struct bytes reply = {0};

    wire_put_message(&request, 1, update);
    world_call_bytes(w, proto_method_info(PROTO_IDENTITY_PUBLISH_IDENTITY_UPDATE)->path, buf_slice(&request), &reply);
    buf_free(&request);
    bytes_free(&reply);
    return w->status;
}

void make_key_package(const struct person *p, struct bytes *out)
{
    struct mls_key_package_bundle bundle;
    struct err err = {0};
    char inbox_id[INBOX_ID_LEN + 1];

    assert_int_equal(inbox_id_derive(ident_ethereum(p->address), INBOX_NONCE_DEFAULT, inbox_id, NULL), 0);
    if (key_package_create(&p->installation, inbox_id, (uint64_t)(clock_now_ns(&clock_system) / NS_PER_S),
                           &rand_system, &bundle, &err) != 0)
        fail_msg("key package: %s", err.text);
    assert_int_equal(bytes_dup(bytes_slice(&bundle.data), out), 0);
    mls_key_package_bundle_wipe(&bundle);
}

int upload_key_package(struct world *w, struct slice key_package)
{
    Xmtp__Mls__Api__V1__KeyPackageUpload upload = XMTP__MLS__API__V1__KEY_PACKAGE_UPLOAD__INIT;
    Xmtp__Mls__Api__V1__UploadKeyPackageRequest request = XMTP__MLS__API__V1__UPLOAD_KEY_PACKAGE_REQUEST__INIT;

    upload.key_package_tls_serialized = proto_bytes(key_package);
    request.key_package = &upload;
    request.is_inbox_id_credential = true;
    return world_call(w, PROTO_MLS_UPLOAD_KEY_PACKAGE, &request, NULL);
}
