/* The node API over V3, against a server that is told what to answer: requests are looked at as
 * messages, answers made as messages. */
#include "tests/net/net_world.h"

#include "base/fiber.h"
#include "net/node_answers.h"
#include "net/node_memory.h"
#include "net/node_rows.h"
#include "net/node_v3.h"
#include "proto/check.h"
#include "proto/methods.h"
#include "proto/wire.h"
#include "proto/xmtp_identity_api.pb-c.h"
#include "proto/xmtp_mls_api.pb-c.h"

#include <stdio.h>
#include <stdlib.h>

#define CALLS_MAX 64

/* What one test has its server say, and what it saw. */
struct script {
    struct world w;
    struct node_api *api;
    void (*answer)(struct script *s, unsigned call, struct grpc_request *req);
    struct proto_arena arena;
    enum proto_method methods[CALLS_MAX];
    void *requests[CALLS_MAX]; /* unpacked, in the arena */
    unsigned calls;
    void (*job)(struct script *s);
    bool done;
    struct node_stream *stream;

    /* what the job got */
    int r;
    struct err err;
    unsigned live, items, skips, ends;
    uint64_t ids[32];
    struct node_cursor skipped;
    int end_code;
    struct err end_err;
    unsigned pause_at, close_at;
};

static void serve(struct world *w, struct grpc_request *req)
{
    struct script *s = w->serve_ctx;
    enum proto_method method = proto_method_find(grpc_request_path(req));
    struct err err;

    assert_true(s->calls < CALLS_MAX);
    assert_true(method < PROTO_METHOD_COUNT);
    s->methods[s->calls] = method;
    if (proto_unpack(proto_method_info(method)->request, grpc_request_body(req), &s->arena,
                     &s->requests[s->calls], &err) != 0)
        fail_msg("%s", err.text);
    s->answer(s, s->calls++, req);
}

static void setup(struct script *s, void (*answer)(struct script *s, unsigned call, struct grpc_request *req))
{
    struct node_v3_config config = {0};
    struct err err;

    memset(s, 0, sizeof *s);
    s->answer = answer;
    world_open(&s->w, NULL);
    s->w.serve = serve;
    s->w.serve_ctx = s;
    config.client.url = s->w.url;
    config.call_timeout_ms = 10000;
    assert_int_equal(node_v3_open(&s->w.loop, &config, &s->api, &err), 0);
}

static void on_closed(void *ctx)
{
    *(bool *)ctx = true;
}

static void teardown(struct script *s)
{
    bool closed = false;

    node_api_close(s->api, on_closed, &closed);
    RUN_UNTIL(&s->w, closed);
    world_close(&s->w);
    proto_arena_free(&s->arena);
    assert_int_equal(fiber_count(), 0);
    fiber_pool_clear();
}

static void run_job(void *ctx)
{
    struct script *s = ctx;

    s->job(s);
    s->done = true;
}

/* Runs `job` in a fiber until it ends. */
static void run(struct script *s, void (*job)(struct script *s))
{
    s->job = job;
    s->done = false;
    assert_int_equal(fiber_start(run_job, s, NULL), 0);
    RUN_UNTIL(&s->w, s->done);
}

static void reply(struct grpc_request *req, const void *message)
{
    struct buf b = BUF_INIT;

    proto_pack(&b, message);
    grpc_reply(req, buf_slice(&b));
    buf_free(&b);
}

static void reply_empty(struct script *s, unsigned call, struct grpc_request *req)
{
    (void)s;
    (void)call;
    grpc_reply(req, slice_of(NULL, 0));
}

static ProtobufCBinaryData text_bytes(const char *text)
{
    return (ProtobufCBinaryData){strlen(text), (uint8_t *)(uintptr_t)text};
}

static void assert_bytes(ProtobufCBinaryData got, const char *expected)
{
    assert_int_equal(got.len, strlen(expected));
    assert_memory_equal(got.data, expected, got.len);
}

static void assert_slice(struct slice got, const char *expected)
{
    assert_int_equal(got.len, strlen(expected));
    assert_memory_equal(got.data, expected, got.len);
}

#define KEY_A "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define KEY_B "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
#define HMAC  "hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh"

/* ---- publishing ---- */

static void job_publish(struct script *s)
{
    struct node_group_send messages[] = {{slice_str("one"), slice_str(HMAC), true},
                                         {slice_str("two"), {NULL, 0}, false}};
    struct node_welcome_send welcomes[] = {
        {NODE_WELCOME_V1, slice_str(KEY_A), slice_str("welcome"), slice_str("hpke"), 1, slice_str("meta")},
        {NODE_WELCOME_POINTER, slice_str(KEY_B), slice_str("pointer"), slice_str("hpke2"), 2, {NULL, 0}}};
    struct node_commit_log_send entry = {slice_str("group"), slice_str("entry"), slice_str("sig"),
                                         slice_str("key")};

    s->r = node_upload_key_package(s->api, slice_str("package"), &s->err);
    if (s->r == 0)
        s->r = node_send_group_messages(s->api, messages, 2, &s->err);
    if (s->r == 0)
        s->r = node_send_welcome_messages(s->api, welcomes, 2, &s->err);
    if (s->r == 0)
        s->r = node_publish_commit_log(s->api, &entry, 1, &s->err);
}

static void what_is_published_arrives_as_it_was_given(void **state)
{
    struct script s;
    Xmtp__Mls__Api__V1__UploadKeyPackageRequest *upload;
    Xmtp__Mls__Api__V1__SendGroupMessagesRequest *group;
    Xmtp__Mls__Api__V1__SendWelcomeMessagesRequest *welcome;
    Xmtp__Mls__Api__V1__BatchPublishCommitLogRequest *log;

    (void)state;
    setup(&s, reply_empty);
    run(&s, job_publish);
    assert_int_equal(s.r, 0);
    assert_int_equal(s.calls, 4);
    upload = s.requests[0];
    assert_bytes(upload->key_package->key_package_tls_serialized, "package");
    assert_true(upload->is_inbox_id_credential);
    group = s.requests[1];
    assert_int_equal(group->n_messages, 2);
    assert_bytes(group->messages[0]->v1->data, "one");
    assert_bytes(group->messages[0]->v1->sender_hmac, HMAC);
    assert_true(group->messages[0]->v1->should_push);
    assert_bytes(group->messages[1]->v1->data, "two");
    assert_false(group->messages[1]->v1->should_push);
    welcome = s.requests[2];
    assert_int_equal(welcome->n_messages, 2);
    assert_bytes(welcome->messages[0]->v1->installation_key, KEY_A);
    assert_bytes(welcome->messages[0]->v1->data, "welcome");
    assert_bytes(welcome->messages[0]->v1->hpke_public_key, "hpke");
    assert_int_equal(welcome->messages[0]->v1->wrapper_algorithm, 1);
    assert_bytes(welcome->messages[0]->v1->welcome_metadata, "meta");
    assert_bytes(welcome->messages[1]->welcome_pointer->installation_key, KEY_B);
    assert_bytes(welcome->messages[1]->welcome_pointer->welcome_pointer, "pointer");
    assert_int_equal(welcome->messages[1]->welcome_pointer->wrapper_algorithm, 2);
    log = s.requests[3];
    assert_bytes(log->requests[0]->group_id, "group");
    assert_bytes(log->requests[0]->serialized_commit_log_entry, "entry");
    assert_bytes(log->requests[0]->signature->bytes, "sig");
    assert_bytes(log->requests[0]->signature->public_key, "key");
    teardown(&s);
}

static void job_many_welcomes(struct script *s)
{
    struct node_welcome_send w[101];

    for (int i = 0; i < 101; i++)
        w[i] = (struct node_welcome_send){NODE_WELCOME_V1, slice_str(KEY_A), slice_str("w"), slice_str("h"), 1, {0}};
    s->r = node_send_welcome_messages(s->api, w, 101, &s->err);
}

static void welcomes_go_in_batches_of_fifty(void **state)
{
    struct script s;

    (void)state;
    setup(&s, reply_empty);
    run(&s, job_many_welcomes);
    assert_int_equal(s.r, 0);
    assert_int_equal(s.calls, 3);
    assert_int_equal(((Xmtp__Mls__Api__V1__SendWelcomeMessagesRequest *)s.requests[0])->n_messages, 50);
    assert_int_equal(((Xmtp__Mls__Api__V1__SendWelcomeMessagesRequest *)s.requests[2])->n_messages, 1);
    teardown(&s);
}

static void job_bad_arguments(struct script *s)
{
    struct node_welcome_send w = {NODE_WELCOME_V1, slice_str("short"), slice_str("w"), slice_str("h"), 1, {0}};

    s->r = node_send_welcome_messages(s->api, &w, 1, &s->err) == ERR_INVALID &&
                   node_send_group_messages(s->api, NULL, 0, &s->err) == ERR_INVALID &&
                   node_query_group_messages(s->api, slice_of(NULL, 0), (struct node_position){0}, NULL, &s->err) ==
                       ERR_INVALID &&
                   node_query_welcome_messages(s->api, slice_str("k"), (struct node_position){0}, NULL, &s->err) ==
                       ERR_INVALID
               ? 0
               : -1;
}

static void arguments_that_make_no_sense_never_leave(void **state)
{
    struct script s;

    (void)state;
    setup(&s, reply_empty);
    run(&s, job_bad_arguments);
    assert_int_equal(s.r, 0);
    assert_int_equal(s.calls, 0);
    teardown(&s);
}

static void outside_of_a_fiber_a_call_is_refused(void **state)
{
    struct script s;
    struct err err;

    (void)state;
    setup(&s, reply_empty);
    assert_int_equal(node_upload_key_package(s.api, slice_str("x"), &err), ERR_STATE);
    teardown(&s);
}

/* ---- retry ---- */

static void job_upload(struct script *s)
{
    s->r = node_upload_key_package(s->api, slice_str("x"), &s->err);
}

static void unavailable_twice(struct script *s, unsigned call, struct grpc_request *req)
{
    (void)s;
    if (call < 2)
        grpc_fail(req, GRPC_UNAVAILABLE, "not now");
    else
        grpc_reply(req, slice_of(NULL, 0));
}

static void a_node_that_is_busy_is_asked_again(void **state)
{
    struct script s;

    (void)state;
    setup(&s, unavailable_twice);
    run(&s, job_upload);
    assert_int_equal(s.r, 0);
    assert_int_equal(s.calls, 3);
    teardown(&s);
}

static void refuse(struct script *s, unsigned call, struct grpc_request *req)
{
    (void)s;
    (void)call;
    grpc_fail(req, GRPC_INVALID_ARGUMENT, "invalid identity:\nno");
}

static void a_refusal_is_final_and_tells_the_words(void **state)
{
    struct script s;

    (void)state;
    setup(&s, refuse);
    run(&s, job_upload);
    assert_int_equal(s.r, ERR_REMOTE);
    assert_int_equal(s.calls, 1);
    assert_string_equal(s.err.text, "UploadKeyPackage: the node says INVALID_ARGUMENT: invalid identity: no");
    teardown(&s);
}

static void fail_internally(struct script *s, unsigned call, struct grpc_request *req)
{
    (void)s;
    (void)call;
    grpc_fail(req, GRPC_INTERNAL, "oops");
}

static void an_internal_error_is_tried_three_times(void **state)
{
    struct script s;

    (void)state;
    setup(&s, fail_internally);
    run(&s, job_upload);
    assert_int_equal(s.r, ERR_REMOTE);
    assert_int_equal(s.calls, 3);
    teardown(&s);
}

static void without_a_node_it_is_offline(void **state)
{
    struct script s;

    (void)state;
    setup(&s, reply_empty);
    world_stop_server(&s.w, 0);
    run(&s, job_upload);
    assert_int_equal(s.r, ERR_OFFLINE);
    assert_non_null(strstr(s.err.text, "connection refused"));
    assert_int_equal(node_link(s.api), GRPC_LINK_OFFLINE);
    teardown(&s);
}

static void stay_silent(struct script *s, unsigned call, struct grpc_request *req)
{
    (void)call;
    s->w.held[s->w.held_count++] = req;
}

static void fail_softly(struct script *s, unsigned call, struct grpc_request *req)
{
    (void)s;
    (void)call;
    grpc_fail(req, GRPC_UNAVAILABLE, "later");
}

static void cancelling_ends_a_call_under_way_and_refuses_later_ones(void **state)
{
    struct script s;

    (void)state;
    setup(&s, stay_silent);
    s.job = job_upload;
    assert_int_equal(fiber_start(run_job, &s, NULL), 0);
    RUN_UNTIL(&s.w, s.calls == 1);
    node_cancel_all(s.api);
    assert_false(s.done); /* from the loop, not from here */
    RUN_UNTIL(&s.w, s.done);
    assert_int_equal(s.r, ERR_CANCELED);
    run(&s, job_upload);
    assert_int_equal(s.r, ERR_CANCELED);
    assert_int_equal(s.calls, 1);
    teardown(&s);
}

static void closing_ends_a_call_that_waits_for_its_next_attempt(void **state)
{
    struct script s;
    bool closed = false;

    (void)state;
    setup(&s, fail_softly);
    s.job = job_upload;
    assert_int_equal(fiber_start(run_job, &s, NULL), 0);
    RUN_UNTIL(&s.w, s.calls == 3);
    for (int i = 0; i < 3; i++) /* let the answer arrive: it sleeps then */
        uv_run(&s.w.loop, UV_RUN_NOWAIT);
    node_api_close(s.api, on_closed, &closed);
    RUN_UNTIL(&s.w, closed);
    assert_true(s.done);
    assert_int_equal(s.r, ERR_CANCELED);
    world_close(&s.w);
    proto_arena_free(&s.arena);
    fiber_pool_clear();
}

/* ---- queries ---- */

/* A PrivateMessage's framing up to the content type: application (1) or commit (3). */
static const uint8_t mls_application[] = {0, 1, 0, 2, 2, 'g', '1', 0, 0, 0, 0, 0, 0, 0, 0, 1};
static const uint8_t mls_commit[] = {0, 1, 0, 2, 2, 'g', '1', 0, 0, 0, 0, 0, 0, 0, 0, 3};

static Xmtp__Mls__Api__V1__GroupMessage__V1 group_row(uint64_t id, const char *group, const void *data, size_t len)
{
    Xmtp__Mls__Api__V1__GroupMessage__V1 v1 = XMTP__MLS__API__V1__GROUP_MESSAGE__V1__INIT;

    v1.id = id;
    v1.created_ns = 1000 * id;
    v1.group_id = text_bytes(group);
    v1.data = (ProtobufCBinaryData){len, (uint8_t *)(uintptr_t)data};
    return v1;
}

static void reply_group_rows(struct grpc_request *req, Xmtp__Mls__Api__V1__GroupMessage__V1 *v1, size_t count,
                             uint64_t cursor)
{
    Xmtp__Mls__Api__V1__QueryGroupMessagesResponse m = XMTP__MLS__API__V1__QUERY_GROUP_MESSAGES_RESPONSE__INIT;
    Xmtp__Mls__Api__V1__PagingInfo paging = XMTP__MLS__API__V1__PAGING_INFO__INIT;
    Xmtp__Mls__Api__V1__GroupMessage rows[200];
    Xmtp__Mls__Api__V1__GroupMessage *pointers[200];

    for (size_t i = 0; i < count; i++) {
        xmtp__mls__api__v1__group_message__init(&rows[i]);
        rows[i].version_case = v1[i].id == 77 ? 0 : XMTP__MLS__API__V1__GROUP_MESSAGE__VERSION_V1;
        rows[i].v1 = &v1[i];
        pointers[i] = &rows[i];
    }
    m.n_messages = count;
    m.messages = pointers;
    paging.id_cursor = cursor;
    m.paging_info = &paging;
    reply(req, &m);
}

static struct node_group_page group_page;

static void job_query_group(struct script *s)
{
    struct node_cursor at[] = {{NODE_ORIGINATOR_COMMITS, 3}, {NODE_ORIGINATOR_MESSAGES, 7}};

    s->r = node_query_group_messages(s->api, slice_str("g1"), (struct node_position){at, 2}, &group_page, &s->err);
}

static void a_mixed_page(struct script *s, unsigned call, struct grpc_request *req)
{
    Xmtp__Mls__Api__V1__GroupMessage__V1 rows[] = {
        group_row(8, "g1", mls_application, sizeof mls_application),
        group_row(9, "g1", mls_commit, sizeof mls_commit),
        group_row(10, "g1", "", 0),                                  /* no data */
        group_row(77, "g1", "x", 1),                                 /* no version: id unknown */
        group_row(12, "g2", mls_application, sizeof mls_application), /* another group */
        group_row(11, "g1", mls_application, sizeof mls_application), /* goes back */
        group_row(13, "g1", "not mls", 7),
    };

    (void)s;
    (void)call;
    rows[0].should_push = true;
    rows[0].sender_hmac = text_bytes(HMAC);
    rows[6].is_commit = true;
    reply_group_rows(req, rows, 7, 0);
}

static void a_bad_row_is_left_out_and_its_id_told(void **state)
{
    struct script s;
    Xmtp__Mls__Api__V1__QueryGroupMessagesRequest *q;

    (void)state;
    setup(&s, a_mixed_page);
    run(&s, job_query_group);
    assert_int_equal(s.r, 0);
    q = s.requests[0];
    assert_bytes(q->group_id, "g1");
    assert_int_equal(q->paging_info->id_cursor, 7); /* the larger of both */
    assert_int_equal(q->paging_info->limit, 100);
    assert_int_equal(q->paging_info->direction, XMTP__MLS__API__V1__SORT_DIRECTION__SORT_DIRECTION_ASCENDING);
    assert_int_equal(group_page.count, 3);
    assert_int_equal(group_page.messages[0].cursor.sequence_id, 8);
    assert_int_equal(group_page.messages[0].cursor.originator, NODE_ORIGINATOR_MESSAGES);
    assert_int_equal(group_page.messages[0].created_ns, 8000);
    assert_slice(group_page.messages[0].group_id, "g1");
    assert_int_equal(group_page.messages[0].data.len, sizeof mls_application);
    assert_slice(group_page.messages[0].sender_hmac, HMAC);
    assert_true(group_page.messages[0].should_push);
    assert_false(group_page.messages[0].is_commit);
    assert_true(group_page.messages[1].is_commit); /* though the node did not say so */
    assert_int_equal(group_page.messages[1].cursor.originator, NODE_ORIGINATOR_COMMITS);
    assert_true(group_page.messages[2].is_commit); /* unreadable: the node's word */
    assert_int_equal(group_page.skipped_count, 2);
    assert_int_equal(group_page.skipped[0].sequence_id, 10);
    assert_int_equal(group_page.skipped[1].sequence_id, 12);
    assert_false(group_page.more);
    node_group_page_free(&group_page);
    teardown(&s);
}

static void full_pages(struct script *s, unsigned call, struct grpc_request *req)
{
    Xmtp__Mls__Api__V1__GroupMessage__V1 rows[100];

    (void)s;
    for (unsigned i = 0; i < 100; i++)
        rows[i] = group_row(100 + i, "g1", mls_application, sizeof mls_application);
    reply_group_rows(req, rows, call == 1 ? 99 : 100, call == 2 ? 0 : 199);
}

/* A node that cuts a page for its bytes says where to go on. */
static void more_is_to_come_where_the_node_gives_a_cursor(void **state)
{
    static const bool expected[] = {true, true, false};
    struct script s;

    (void)state;
    setup(&s, full_pages);
    for (int i = 0; i < 3; i++) {
        run(&s, job_query_group);
        assert_int_equal(s.r, 0);
        assert_int_equal(group_page.more, expected[i]);
        node_group_page_free(&group_page);
    }
    teardown(&s);
}

static void nonsense(struct script *s, unsigned call, struct grpc_request *req)
{
    (void)s;
    (void)call;
    grpc_reply(req, slice_str("\x0a\xff\xff\x01zzz"));
}

static void an_answer_that_does_not_parse_is_malformed(void **state)
{
    struct script s;

    (void)state;
    setup(&s, nonsense);
    run(&s, job_query_group);
    assert_int_equal(s.r, ERR_MALFORMED);
    assert_int_equal(s.calls, 1); /* asking again would not help */
    teardown(&s);
}

static struct node_welcome_page welcome_page;

static void job_query_welcomes(struct script *s)
{
    s->r = node_query_welcome_messages(s->api, slice_str(KEY_A), (struct node_position){0}, &welcome_page, &s->err);
}

static void welcome_rows(struct script *s, unsigned call, struct grpc_request *req)
{
    Xmtp__Mls__Api__V1__QueryWelcomeMessagesResponse m =
        XMTP__MLS__API__V1__QUERY_WELCOME_MESSAGES_RESPONSE__INIT;
    Xmtp__Mls__Api__V1__WelcomeMessage__V1 v1 = XMTP__MLS__API__V1__WELCOME_MESSAGE__V1__INIT;
    Xmtp__Mls__Api__V1__WelcomeMessage__V1 short_key = XMTP__MLS__API__V1__WELCOME_MESSAGE__V1__INIT;
    Xmtp__Mls__Api__V1__WelcomeMessage__WelcomePointer pointer =
        XMTP__MLS__API__V1__WELCOME_MESSAGE__WELCOME_POINTER__INIT;
    Xmtp__Mls__Api__V1__WelcomeMessage rows[3];
    Xmtp__Mls__Api__V1__WelcomeMessage *pointers[] = {&rows[0], &rows[1], &rows[2]};

    (void)s;
    (void)call;
    v1.id = 1;
    v1.created_ns = 5;
    v1.installation_key = text_bytes(KEY_A);
    v1.data = text_bytes("wrapped");
    v1.hpke_public_key = text_bytes("hpke");
    v1.wrapper_algorithm = 1;
    v1.welcome_metadata = text_bytes("meta");
    short_key = v1;
    short_key.id = 2;
    short_key.installation_key = text_bytes("AAAA");
    pointer.id = 3;
    pointer.installation_key = text_bytes(KEY_A);
    pointer.welcome_pointer = text_bytes("pointer");
    pointer.wrapper_algorithm = 2;
    for (int i = 0; i < 3; i++)
        xmtp__mls__api__v1__welcome_message__init(&rows[i]);
    rows[0].version_case = rows[1].version_case = XMTP__MLS__API__V1__WELCOME_MESSAGE__VERSION_V1;
    rows[0].v1 = &v1;
    rows[1].v1 = &short_key;
    rows[2].version_case = XMTP__MLS__API__V1__WELCOME_MESSAGE__VERSION_WELCOME_POINTER;
    rows[2].welcome_pointer = &pointer;
    m.n_messages = 3;
    m.messages = pointers;
    reply(req, &m);
}

static void welcomes_of_both_kinds_are_read(void **state)
{
    struct script s;

    (void)state;
    setup(&s, welcome_rows);
    run(&s, job_query_welcomes);
    assert_int_equal(s.r, 0);
    assert_int_equal(welcome_page.count, 2);
    assert_int_equal(welcome_page.welcomes[0].kind, NODE_WELCOME_V1);
    assert_int_equal(welcome_page.welcomes[0].cursor.originator, NODE_ORIGINATOR_WELCOMES);
    assert_slice(welcome_page.welcomes[0].data, "wrapped");
    assert_slice(welcome_page.welcomes[0].hpke_public_key, "hpke");
    assert_slice(welcome_page.welcomes[0].metadata, "meta");
    assert_int_equal(welcome_page.welcomes[1].kind, NODE_WELCOME_POINTER);
    assert_slice(welcome_page.welcomes[1].data, "pointer");
    assert_int_equal(welcome_page.welcomes[1].wrapper_algorithm, 2);
    assert_int_equal(welcome_page.skipped_count, 1);
    assert_int_equal(welcome_page.skipped[0].sequence_id, 2);
    node_welcome_page_free(&welcome_page);
    teardown(&s);
}

static struct node_key_packages packages;

static void job_fetch(struct script *s)
{
    struct slice keys[] = {slice_str(KEY_A), slice_str(KEY_B)};

    s->r = node_fetch_key_packages(s->api, keys, 2, &packages, &s->err);
}

static void one_package_and_a_gap(struct script *s, unsigned call, struct grpc_request *req)
{
    Xmtp__Mls__Api__V1__FetchKeyPackagesResponse m = XMTP__MLS__API__V1__FETCH_KEY_PACKAGES_RESPONSE__INIT;
    Xmtp__Mls__Api__V1__FetchKeyPackagesResponse__KeyPackage rows[2];
    Xmtp__Mls__Api__V1__FetchKeyPackagesResponse__KeyPackage *pointers[] = {&rows[0], &rows[1]};

    (void)s;
    for (int i = 0; i < 2; i++)
        xmtp__mls__api__v1__fetch_key_packages_response__key_package__init(&rows[i]);
    rows[1].key_package_tls_serialized = text_bytes("package of B");
    m.n_key_packages = call == 0 ? 2 : 1;
    m.key_packages = pointers;
    reply(req, &m);
}

static void key_packages_come_in_order_with_gaps(void **state)
{
    struct script s;

    (void)state;
    setup(&s, one_package_and_a_gap);
    run(&s, job_fetch);
    assert_int_equal(s.r, 0);
    assert_bytes(((Xmtp__Mls__Api__V1__FetchKeyPackagesRequest *)s.requests[0])->installation_keys[1], KEY_B);
    assert_int_equal(packages.count, 2);
    assert_int_equal(packages.packages[0].len, 0);
    assert_slice(packages.packages[1], "package of B");
    node_key_packages_free(&packages);
    run(&s, job_fetch); /* now one entry for two questions */
    assert_int_equal(s.r, ERR_MALFORMED);
    teardown(&s);
}

static struct node_newest newest;

static void job_newest(struct script *s)
{
    struct slice ids[] = {slice_str("g1"), slice_str("g2")};

    s->r = node_newest_group_messages(s->api, ids, 2, &newest, &s->err);
}

static void newest_of_the_second(struct script *s, unsigned call, struct grpc_request *req)
{
    Xmtp__Mls__Api__V1__GetNewestGroupMessageResponse m =
        XMTP__MLS__API__V1__GET_NEWEST_GROUP_MESSAGE_RESPONSE__INIT;
    Xmtp__Mls__Api__V1__GetNewestGroupMessageResponse__Response rows[2];
    Xmtp__Mls__Api__V1__GetNewestGroupMessageResponse__Response *pointers[] = {&rows[0], &rows[1]};
    Xmtp__Mls__Api__V1__GroupMessage message = XMTP__MLS__API__V1__GROUP_MESSAGE__INIT;
    Xmtp__Mls__Api__V1__GroupMessage__V1 v1 = group_row(50, "g2", "", 0);

    (void)s;
    (void)call;
    v1.is_commit = true;
    message.version_case = XMTP__MLS__API__V1__GROUP_MESSAGE__VERSION_V1;
    message.v1 = &v1;
    for (int i = 0; i < 2; i++)
        xmtp__mls__api__v1__get_newest_group_message_response__response__init(&rows[i]);
    rows[1].group_message = &message;
    m.n_responses = 2;
    m.responses = pointers;
    reply(req, &m);
}

static void the_newest_message_tells_if_it_is_a_commit(void **state)
{
    struct script s;

    (void)state;
    setup(&s, newest_of_the_second);
    run(&s, job_newest);
    assert_int_equal(s.r, 0);
    assert_int_equal(newest.count, 2);
    assert_false(newest.entries[0].found);
    assert_true(newest.entries[1].found);
    assert_int_equal(newest.entries[1].message.cursor.originator, NODE_ORIGINATOR_COMMITS);
    assert_int_equal(newest.entries[1].message.cursor.sequence_id, 50);
    node_newest_free(&newest);
    teardown(&s);
}

/* ---- identity ---- */

static struct node_inbox_updates updates;
static char inbox_names[120][65];

static void job_updates(struct script *s)
{
    struct node_inbox_request requests[120];

    for (int i = 0; i < 120; i++) {
        snprintf(inbox_names[i], sizeof inbox_names[i], "%064d", i);
        requests[i] = (struct node_inbox_request){inbox_names[i], (uint64_t)i};
    }
    s->r = node_get_identity_updates(s->api, requests, 120, &updates, &s->err);
}

/* Two entries for each inbox; unknown fields in the update must survive. */
static void logs(struct script *s, unsigned call, struct grpc_request *req)
{
    Xmtp__Identity__Api__V1__GetIdentityUpdatesRequest *q = s->requests[call];
    struct buf out = BUF_INIT, response = BUF_INIT;

    for (size_t i = 0; i < q->n_requests; i++) {
        uint8_t id = (uint8_t)(q->requests[i]->sequence_id + 1); /* below 128: one byte of varint */

        buf_reset(&response);
        buf_put_u8(&response, 0x0a);
        buf_put_u8(&response, 64);
        buf_put_str(&response, q->requests[i]->inbox_id);
        for (int k = 0; k < 2; k++) {
            const uint8_t row[] = {0x12, 11, 0x08, (uint8_t)(id + k), 0x10, 9, 0x1a, 5, 0xd2, 0x0f, 2, 'h', 'i'};

            buf_put(&response, row, sizeof row);
        }
        buf_put_u8(&out, 0x0a);
        buf_put_u8(&out, (uint8_t)(response.len)); /* 92 */
        buf_put(&out, response.data, response.len);
    }
    grpc_reply(req, buf_slice(&out));
    buf_free(&out);
    buf_free(&response);
}

static void identity_logs_come_in_batches_as_the_bytes_that_were_published(void **state)
{
    struct script s;

    (void)state;
    setup(&s, logs);
    run(&s, job_updates);
    assert_string_equal(s.err.text, "");
    assert_int_equal(s.r, 0);
    assert_int_equal(s.calls, 3);
    assert_int_equal(((Xmtp__Identity__Api__V1__GetIdentityUpdatesRequest *)s.requests[0])->n_requests, 50);
    assert_int_equal(((Xmtp__Identity__Api__V1__GetIdentityUpdatesRequest *)s.requests[2])->n_requests, 20);
    assert_int_equal(updates.count, 120);
    for (int i = 0; i < 120; i++) {
        assert_string_equal(updates.inboxes[i].inbox_id, inbox_names[i]);
        assert_int_equal(updates.inboxes[i].count, 2);
        assert_int_equal(updates.inboxes[i].updates[0].cursor.originator, NODE_ORIGINATOR_IDENTITY);
        assert_int_equal(updates.inboxes[i].updates[1].cursor.sequence_id, i + 2);
        assert_int_equal(updates.inboxes[i].updates[1].server_time_ns, 9);
        assert_slice(updates.inboxes[i].updates[0].update, "\xd2\x0f\x02hi");
    }
    node_inbox_updates_free(&updates);
    teardown(&s);
}

static struct node_inbox_ids inbox_ids;

static void job_inbox_ids(struct script *s)
{
    struct node_identifier who[] = {{NODE_IDENTIFIER_ETHEREUM, "0xaa"}, {NODE_IDENTIFIER_PASSKEY, "bb"}};

    s->r = node_get_inbox_ids(s->api, who, 2, &inbox_ids, &s->err);
}

static const char *answered_inbox;

static void one_known(struct script *s, unsigned call, struct grpc_request *req)
{
    Xmtp__Identity__Api__V1__GetInboxIdsResponse m = XMTP__IDENTITY__API__V1__GET_INBOX_IDS_RESPONSE__INIT;
    Xmtp__Identity__Api__V1__GetInboxIdsResponse__Response rows[2];
    Xmtp__Identity__Api__V1__GetInboxIdsResponse__Response *pointers[] = {&rows[0], &rows[1]};

    (void)s;
    (void)call;
    for (int i = 0; i < 2; i++)
        xmtp__identity__api__v1__get_inbox_ids_response__response__init(&rows[i]);
    rows[0].identifier = (char *)(uintptr_t) "0xaa";
    rows[0]._inbox_id_case = XMTP__IDENTITY__API__V1__GET_INBOX_IDS_RESPONSE__RESPONSE___INBOX_ID_INBOX_ID;
    rows[0].inbox_id = (char *)(uintptr_t)answered_inbox;
    rows[1].identifier = (char *)(uintptr_t) "bb";
    m.n_responses = 2;
    m.responses = pointers;
    reply(req, &m);
}

static void inbox_ids_are_checked(void **state)
{
    struct script s;
    Xmtp__Identity__Api__V1__GetInboxIdsRequest *q;

    (void)state;
    answered_inbox = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    setup(&s, one_known);
    run(&s, job_inbox_ids);
    assert_int_equal(s.r, 0);
    q = s.requests[0];
    assert_string_equal(q->requests[0]->identifier, "0xaa");
    assert_int_equal(q->requests[1]->identifier_kind, 2);
    assert_string_equal(inbox_ids.inbox_ids[0], answered_inbox);
    assert_null(inbox_ids.inbox_ids[1]);
    node_inbox_ids_free(&inbox_ids);
    answered_inbox = "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef";
    run(&s, job_inbox_ids);
    assert_int_equal(s.r, ERR_MALFORMED);
    teardown(&s);
}

static struct node_wallet_verdicts verdicts;
static struct node_commit_logs commit_logs;

static void job_rest(struct script *s)
{
    struct node_wallet_check check = {"eip155:1:0xaa", true, 0, slice_str("sig"), slice_str(KEY_A)};
    struct node_commit_log_request request = {slice_str("g1"), 4};

    s->r = node_verify_wallet_signatures(s->api, &check, 1, &verdicts, &s->err);
    if (s->r == 0)
        s->r = node_query_commit_log(s->api, &request, 1, &commit_logs, &s->err);
    if (s->r == 0)
        s->r = node_publish_identity_update(s->api, slice_str("\x10\x07"), &s->err);
}

static void answer_rest(struct script *s, unsigned call, struct grpc_request *req)
{
    Xmtp__Identity__Api__V1__VerifySmartContractWalletSignaturesResponse m =
        XMTP__IDENTITY__API__V1__VERIFY_SMART_CONTRACT_WALLET_SIGNATURES_RESPONSE__INIT;
    Xmtp__Identity__Api__V1__VerifySmartContractWalletSignaturesResponse__ValidationResponse v =
        XMTP__IDENTITY__API__V1__VERIFY_SMART_CONTRACT_WALLET_SIGNATURES_RESPONSE__VALIDATION_RESPONSE__INIT;
    Xmtp__Identity__Api__V1__VerifySmartContractWalletSignaturesResponse__ValidationResponse *vs[] = {&v};
    Xmtp__Mls__Api__V1__BatchQueryCommitLogResponse b = XMTP__MLS__API__V1__BATCH_QUERY_COMMIT_LOG_RESPONSE__INIT;
    Xmtp__Mls__Api__V1__QueryCommitLogResponse log = XMTP__MLS__API__V1__QUERY_COMMIT_LOG_RESPONSE__INIT;
    Xmtp__Mls__Api__V1__QueryCommitLogResponse *logs_of[] = {&log};
    Xmtp__Mls__MessageContents__CommitLogEntry e = XMTP__MLS__MESSAGE_CONTENTS__COMMIT_LOG_ENTRY__INIT;
    Xmtp__Mls__MessageContents__CommitLogEntry *es[] = {&e};

    if (call == 0) {
        v._error_case =
            XMTP__IDENTITY__API__V1__VERIFY_SMART_CONTRACT_WALLET_SIGNATURES_RESPONSE__VALIDATION_RESPONSE___ERROR_ERROR;
        v.error = (char *)(uintptr_t) "unsupported";
        m.n_responses = 1;
        m.responses = vs;
        reply(req, &m);
    } else if (call == 1) {
        e.sequence_id = 5;
        e.serialized_commit_log_entry = text_bytes("entry");
        log.group_id = text_bytes("g1");
        log.n_commit_log_entries = 1;
        log.commit_log_entries = es;
        b.n_responses = 1;
        b.responses = logs_of;
        reply(req, &b);
    } else {
        reply_empty(s, call, req);
    }
}

/* Somebody's update is no reason to be shut out of their inbox: what it means is decided where it is evaluated. */
static void a_nul_in_an_update_does_not_spoil_the_log(void **state)
{
    static const char inbox[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    const struct node_inbox_request request = {inbox, 0};
    struct buf update = BUF_INIT, row = BUF_INIT, log = BUF_INIT, body = BUF_INIT;
    struct node_memory *memory = node_memory_new();
    struct node_inbox_log got = {0};

    (void)state;
    wire_put_bytes(&update, 3, slice_of("a\0b", 3)); /* inbox_id */
    wire_put_u64(&row, 1, 7);
    wire_put_message(&row, 3, buf_slice(&update));
    wire_put_bytes(&log, 1, slice_str(inbox));
    wire_put_message(&log, 2, buf_slice(&row));
    wire_put_message(&body, 1, buf_slice(&log));
    assert_int_equal(node_answer_identity_updates(buf_slice(&body), &request, 1, memory, &got, NULL), 0);
    assert_int_equal(got.count, 1);
    assert_int_equal(got.updates[0].cursor.sequence_id, 7);
    assert_true(slice_eq(got.updates[0].update, buf_slice(&update)));
    node_memory_free(memory);
    buf_free(&update);
    buf_free(&row);
    buf_free(&log);
    buf_free(&body);
}

static void wallet_verdicts_commit_logs_and_identity_updates_go_through(void **state)
{
    struct script s;
    Xmtp__Identity__Api__V1__VerifySmartContractWalletSignaturesRequest *v;
    Xmtp__Mls__Api__V1__BatchQueryCommitLogRequest *q;
    Xmtp__Identity__Api__V1__PublishIdentityUpdateRequest *p;

    (void)state;
    setup(&s, answer_rest);
    run(&s, job_rest);
    assert_string_equal(s.err.text, "");
    assert_int_equal(s.r, 0);
    v = s.requests[0];
    assert_string_equal(v->signatures[0]->account_id, "eip155:1:0xaa");
    assert_int_not_equal(v->signatures[0]->_block_number_case, 0); /* zero, but there */
    assert_bytes(v->signatures[0]->hash, KEY_A);
    assert_false(verdicts.verdicts[0].is_valid);
    assert_false(verdicts.verdicts[0].has_block_number);
    assert_string_equal(verdicts.verdicts[0].error, "unsupported");
    q = s.requests[1];
    assert_int_equal(q->requests[0]->paging_info->id_cursor, 4);
    assert_int_equal(commit_logs.logs[0].count, 1);
    assert_slice(commit_logs.logs[0].entries[0].entry, "entry");
    assert_int_equal(commit_logs.logs[0].entries[0].cursor.originator, NODE_ORIGINATOR_COMMIT_LOG);
    p = s.requests[2];
    assert_int_equal(p->identity_update->client_timestamp_ns, 7);
    node_wallet_verdicts_free(&verdicts);
    node_commit_logs_free(&commit_logs);
    teardown(&s);
}

/* ---- subscriptions ---- */

static void on_live(void *ctx)
{
    ((struct script *)ctx)->live++;
}

static void note_item(struct script *s, uint64_t id)
{
    s->ids[s->items++] = id;
    if (s->items == s->pause_at)
        node_stream_pause(s->stream);
    if (s->items == s->close_at)
        node_stream_close(s->stream);
}

static void on_group(void *ctx, const struct node_group_message *message)
{
    note_item(ctx, message->cursor.sequence_id);
}

static void on_welcome(void *ctx, const struct node_welcome_message *welcome)
{
    note_item(ctx, welcome->cursor.sequence_id);
}

static void on_skipped(void *ctx, struct node_cursor cursor)
{
    struct script *s = ctx;

    s->skips++;
    s->skipped = cursor;
}

static void on_end(void *ctx, int code, const struct err *err)
{
    struct script *s = ctx;

    s->ends++;
    s->end_code = code;
    s->end_err = *err;
}

static const struct node_stream_events events = {on_live, on_group, on_welcome, on_skipped, on_end};

static void subscribe(struct script *s)
{
    struct node_cursor at = {NODE_ORIGINATOR_MESSAGES, 6};
    struct node_group_filter filters[] = {{slice_str("g1"), {&at, 1}}, {slice_str("g2"), {NULL, 0}}};

    assert_int_equal(node_subscribe_group_messages(s->api, filters, 2, &events, s, &s->stream, &s->err), 0);
}

static void send_group_row(struct grpc_request *req, uint64_t id, const void *data, size_t len)
{
    Xmtp__Mls__Api__V1__GroupMessage m = XMTP__MLS__API__V1__GROUP_MESSAGE__INIT;
    Xmtp__Mls__Api__V1__GroupMessage__V1 v1 = group_row(id, "g1", data, len);
    struct buf b = BUF_INIT;

    m.version_case = XMTP__MLS__API__V1__GROUP_MESSAGE__VERSION_V1;
    m.v1 = &v1;
    proto_pack(&b, &m);
    assert_int_equal(grpc_send(req, buf_slice(&b)), 0);
    buf_free(&b);
}

static void three_items(struct script *s, unsigned call, struct grpc_request *req)
{
    (void)call;
    grpc_start(req);
    send_group_row(req, 7, mls_application, sizeof mls_application);
    send_group_row(req, 8, "", 0);
    send_group_row(req, 9, mls_commit, sizeof mls_commit);
    s->w.held[s->w.held_count++] = req;
}

static void a_subscription_delivers_items_and_skips_bad_ones(void **state)
{
    struct script s;
    Xmtp__Mls__Api__V1__SubscribeGroupMessagesRequest *q;

    (void)state;
    setup(&s, three_items);
    subscribe(&s);
    RUN_UNTIL(&s.w, s.items == 2);
    q = s.requests[0];
    assert_int_equal(q->n_filters, 2);
    assert_bytes(q->filters[0]->group_id, "g1");
    assert_int_equal(q->filters[0]->id_cursor, 6);
    assert_int_equal(q->filters[1]->id_cursor, 0);
    assert_int_equal(s.live, 1);
    assert_int_equal(s.ids[0], 7);
    assert_int_equal(s.ids[1], 9);
    assert_int_equal(s.skips, 1);
    assert_int_equal(s.skipped.sequence_id, 8);
    grpc_end(s.w.held[0], GRPC_ABORTED, "caller did not read all messages fast enough");
    RUN_UNTIL(&s.w, s.ends == 1);
    assert_int_equal(s.end_code, ERR_REMOTE);
    assert_string_equal(s.end_err.text, "SubscribeGroupMessages: the node says ABORTED: "
                                        "caller did not read all messages fast enough");
    teardown(&s);
}

static void a_paused_subscription_waits(void **state)
{
    struct script s;

    (void)state;
    setup(&s, three_items);
    s.pause_at = 1;
    subscribe(&s);
    RUN_UNTIL(&s.w, s.items == 1);
    for (int i = 0; i < 5; i++)
        uv_run(&s.w.loop, UV_RUN_NOWAIT);
    assert_int_equal(s.items, 1);
    node_stream_resume(s.stream);
    RUN_UNTIL(&s.w, s.items == 2);
    node_stream_close(s.stream);
    RUN_UNTIL(&s.w, s.w.cancels == 1);
    assert_int_equal(s.ends, 0);
    teardown(&s);
}

static void a_subscription_closed_inside_its_callback_is_silent(void **state)
{
    struct script s;

    (void)state;
    setup(&s, three_items);
    s.close_at = 1;
    subscribe(&s);
    RUN_UNTIL(&s.w, s.w.cancels == 1);
    assert_int_equal(s.items, 1);
    assert_int_equal(s.skips, 0);
    assert_int_equal(s.ends, 0);
    teardown(&s);
    assert_int_equal(s.ends, 0);
}

static void a_lost_connection_and_a_shutdown_end_a_subscription_once(void **state)
{
    struct script s;

    (void)state;
    setup(&s, three_items);
    subscribe(&s);
    RUN_UNTIL(&s.w, s.items == 2);
    world_stop_server(&s.w, 0);
    RUN_UNTIL(&s.w, s.ends == 1);
    assert_int_equal(s.end_code, ERR_OFFLINE);
    world_serve_again(&s.w);
    RUN_UNTIL(&s.w, node_link(s.api) == GRPC_LINK_LIVE);
    subscribe(&s);
    RUN_UNTIL(&s.w, s.items == 4);
    node_cancel_all(s.api);
    RUN_UNTIL(&s.w, s.ends == 2);
    assert_int_equal(s.end_code, ERR_CANCELED);
    assert_int_equal(node_subscribe_group_messages(s.api, NULL, 0, &events, &s, &s.stream, &s.err), ERR_CANCELED);
    teardown(&s);
    assert_int_equal(s.ends, 2);
}

static void mls_framing_tells_commits_apart(void **state)
{
    static const uint8_t public_commit[] = {0, 1, 0, 1, 1, 'g', 0, 0, 0, 0, 0, 0, 0, 5, 1, 0, 0, 0, 2, 0, 3};
    static const uint8_t public_new_member[] = {0, 1, 0, 1, 1, 'g', 0, 0, 0, 0, 0, 0, 0, 5, 4, 0, 3};
    static const uint8_t welcome[] = {0, 1, 0, 3, 0, 0};

    (void)state;
    assert_int_equal(node_mls_is_commit(slice_of(mls_application, sizeof mls_application)), 0);
    assert_int_equal(node_mls_is_commit(slice_of(mls_commit, sizeof mls_commit)), 1);
    assert_int_equal(node_mls_is_commit(slice_of(public_commit, sizeof public_commit)), 1);
    assert_int_equal(node_mls_is_commit(slice_of(public_new_member, sizeof public_new_member)), 1);
    assert_int_equal(node_mls_is_commit(slice_of(welcome, sizeof welcome)), -1);
    for (size_t len = 0; len < sizeof public_commit; len++)
        assert_int_equal(node_mls_is_commit(slice_of(public_commit, len)), -1);
}

/* ---- answers that do not fit the question, as bytes ---- */

/* Appends field `number` with what `inner` has, and empties that. */
static void wrap(struct buf *out, uint32_t number, struct buf *inner)
{
    wire_put_head(out, number, inner->len);
    buf_put_slice(out, buf_slice(inner));
    buf_reset(inner);
}

/* A GetNewestGroupMessage answer of entries: a group's name, or NULL for none. */
static int newest_answer(const char *const *groups, size_t n, const struct slice *asked, size_t asked_n)
{
    struct node_newest_entry entries[4] = {{0}};
    struct node_memory *memory = node_memory_new();
    struct buf body = BUF_INIT, row = BUF_INIT, message = BUF_INIT, entry = BUF_INIT;
    struct err err;
    int r;

    for (size_t i = 0; i < n; i++) {
        if (groups[i] != NULL) {
            wire_put_u64(&row, 1, 7);
            wire_put_bytes(&row, 3, slice_str(groups[i]));
            wrap(&message, 1, &row);
            wrap(&entry, 1, &message);
        }
        wrap(&body, 1, &entry);
    }
    r = node_answer_newest(buf_slice(&body), asked, asked_n, memory, entries, &err);
    buf_free(&body);
    buf_free(&row);
    buf_free(&message);
    buf_free(&entry);
    node_memory_free(memory);
    return r;
}

static void newest_messages_answer_each_group_in_its_place(void **state)
{
    const struct slice asked[] = {slice_str("g1"), slice_str("g2")};

    (void)state;
    assert_int_equal(newest_answer((const char *const[]){NULL, "g2"}, 2, asked, 2), 0);
    assert_int_equal(newest_answer((const char *const[]){"g2", NULL}, 2, asked, 2), ERR_MALFORMED);
    assert_int_equal(newest_answer((const char *const[]){"g1"}, 1, asked, 2), ERR_MALFORMED);
    assert_int_equal(newest_answer((const char *const[]){"g1", "g2", NULL}, 3, asked, 2), ERR_MALFORMED);
}

/* A log of `inbox` with these sequence ids, asked for from 5 on. */
static int log_answer(const char *inbox, const uint64_t *ids, size_t n)
{
    static const char asked[] = "1111111111111111111111111111111111111111111111111111111111111111";
    const struct node_inbox_request request = {asked, 5};
    struct node_memory *memory = node_memory_new();
    struct node_inbox_log log = {0};
    struct buf body = BUF_INIT, row = BUF_INIT, response = BUF_INIT;
    struct err err;
    int r;

    wire_put_bytes(&response, 1, slice_str(inbox != NULL ? inbox : asked));
    for (size_t i = 0; i < n; i++) {
        wire_put_u64(&row, 1, ids[i]);
        wire_put_u64(&row, 2, 9);
        wire_put_message(&row, 3, slice_str("\xd2\x0f\x02hi"));
        wrap(&response, 2, &row);
    }
    wrap(&body, 1, &response);
    r = node_answer_identity_updates(buf_slice(&body), &request, 1, memory, &log, &err);
    buf_free(&body);
    buf_free(&row);
    buf_free(&response);
    node_memory_free(memory);
    return r;
}

static void an_identity_log_is_the_one_asked_for_and_ascends(void **state)
{
    static const char other[] = "2222222222222222222222222222222222222222222222222222222222222222";

    (void)state;
    assert_int_equal(log_answer(NULL, (const uint64_t[]){6, 9}, 2), 0);
    assert_int_equal(log_answer(other, (const uint64_t[]){6, 9}, 2), ERR_MALFORMED);
    assert_int_equal(log_answer(NULL, (const uint64_t[]){5, 9}, 2), ERR_MALFORMED); /* not after 5 */
    assert_int_equal(log_answer(NULL, (const uint64_t[]){9, 9}, 2), ERR_MALFORMED);
    assert_int_equal(log_answer(NULL, (const uint64_t[]){6, UINT64_C(1) << 63}, 2), ERR_MALFORMED);
}

static int inbox_id_answer(const char *first, const char *second, struct err *err)
{
    static const struct node_identifier asked[] = {{NODE_IDENTIFIER_ETHEREUM, "0xaa"},
                                                   {NODE_IDENTIFIER_ETHEREUM, "0xbb"}};
    struct node_memory *memory = node_memory_new();
    const char *ids[2];
    struct buf body = BUF_INIT, response = BUF_INIT;
    int r;

    wire_put_bytes(&response, 1, slice_str(first));
    wrap(&body, 1, &response);
    if (second != NULL) {
        wire_put_bytes(&response, 1, slice_str(second));
        wrap(&body, 1, &response);
    }
    r = node_answer_inbox_ids(buf_slice(&body), asked, 2, memory, ids, err);
    buf_free(&body);
    buf_free(&response);
    node_memory_free(memory);
    return r;
}

static void inbox_ids_answer_each_identifier_in_its_place(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(inbox_id_answer("0xaa", "0xbb", &err), 0);
    assert_int_equal(inbox_id_answer("0xbb", "0xaa", &err), ERR_MALFORMED);
    assert_int_equal(inbox_id_answer("0xaa", NULL, &err), ERR_MALFORMED);
    assert_string_equal(err.text, "the node answers 2 questions with 1 entries");
}

/* How many of the entries with these ids are taken, asked for from 5 on; or an error. */
static int commit_log_answer(const char *group, const uint64_t *ids, size_t n)
{
    const struct node_commit_log_request request = {slice_str("g1"), 5};
    struct node_memory *memory = node_memory_new();
    struct node_commit_log log = {0};
    struct buf body = BUF_INIT, entry = BUF_INIT, response = BUF_INIT;
    struct err err;
    int r;

    wire_put_bytes(&response, 1, slice_str(group));
    for (size_t i = 0; i < n; i++) {
        wire_put_u64(&entry, 1, ids[i]);
        wire_put_bytes(&entry, 2, slice_str("entry"));
        wrap(&response, 2, &entry);
    }
    wrap(&body, 1, &response);
    r = node_answer_commit_logs(buf_slice(&body), &request, 1, memory, &log, &err);
    if (r == 0)
        r = (int)log.count;
    buf_free(&body);
    buf_free(&entry);
    buf_free(&response);
    node_memory_free(memory);
    return r;
}

static void a_commit_log_is_the_one_asked_for_and_what_does_not_ascend_is_left_out(void **state)
{
    (void)state;
    assert_int_equal(commit_log_answer("g1", (const uint64_t[]){6, 8}, 2), 2);
    assert_int_equal(commit_log_answer("g2", (const uint64_t[]){6, 8}, 2), ERR_MALFORMED);
    assert_int_equal(commit_log_answer("g1", (const uint64_t[]){5, 8, 8, 7, 9}, 5), 2);
    assert_int_equal(commit_log_answer("g1", (const uint64_t[]){6, UINT64_C(1) << 63}, 2), 1);
}

static void a_page_of_a_thousand_rows_more_than_asked_is_refused(void **state)
{
    struct node_group_page page;
    struct buf body = BUF_INIT;
    struct err err;

    (void)state;
    for (int i = 0; i < 1001; i++)
        wire_put_message(&body, 1, slice_of(NULL, 0));
    assert_int_equal(node_page_group(buf_slice(&body), slice_str("g1"), 0, &page, &err), ERR_MALFORMED);
    buf_reset(&body);
    for (int i = 0; i < 1000; i++)
        wire_put_head(&body, 1, 0);
    assert_int_equal(node_page_group(buf_slice(&body), slice_str("g1"), 0, &page, &err), 0);
    assert_int_equal(page.count + page.skipped_count, 0); /* rows without an id cannot even be skipped */
    node_group_page_free(&page);
    buf_free(&body);
}

/* ---- what goes into one call ---- */

enum { MANY = 1001 };

static void job_many_keys(struct script *s)
{
    struct slice *keys = calloc(MANY, sizeof *keys);

    for (int i = 0; i < MANY; i++)
        keys[i] = slice_str(KEY_A);
    s->r = node_fetch_key_packages(s->api, keys, MANY, &packages, &s->err);
    free(keys);
}

static void job_many_newest(struct script *s)
{
    struct slice *ids = calloc(MANY, sizeof *ids);

    for (int i = 0; i < MANY; i++)
        ids[i] = slice_str("g1");
    s->r = node_newest_group_messages(s->api, ids, MANY, &newest, &s->err);
    free(ids);
}

static void job_many_messages(struct script *s)
{
    struct node_group_send *messages = calloc(MANY, sizeof *messages);

    for (int i = 0; i < MANY; i++)
        messages[i].data = slice_str("m");
    s->r = node_send_group_messages(s->api, messages, MANY, &s->err);
    free(messages);
}

static void job_large_messages(struct script *s)
{
    enum { SIZE = 3 * 1024 * 1024 };
    struct node_group_send messages[3];
    uint8_t *large = calloc(1, SIZE);

    for (int i = 0; i < 3; i++)
        messages[i] = (struct node_group_send){.data = slice_of(large, SIZE)};
    s->r = node_send_group_messages(s->api, messages, 3, &s->err);
    free(large);
}

static void job_many_log_entries(struct script *s)
{
    struct node_commit_log_send entries[11];

    for (int i = 0; i < 11; i++)
        entries[i] = (struct node_commit_log_send){slice_str("g"), slice_str("e"), slice_str("s"), slice_str("k")};
    s->r = node_publish_commit_log(s->api, entries, 11, &s->err);
}

static void job_many_log_queries(struct script *s)
{
    struct node_commit_log_request requests[21];
    struct node_commit_logs logs;

    for (int i = 0; i < 21; i++)
        requests[i] = (struct node_commit_log_request){slice_str("g"), 0};
    s->r = node_query_commit_log(s->api, requests, 21, &logs, &s->err);
}

/* An empty answer ends what asks: its first call shows how much goes into one. */
static void as_much_goes_into_one_call_as_the_network_takes(void **state)
{
    struct script s;

    (void)state;
    setup(&s, reply_empty);
    run(&s, job_many_keys);
    assert_int_equal(((Xmtp__Mls__Api__V1__FetchKeyPackagesRequest *)s.requests[0])->n_installation_keys, 500);
    run(&s, job_many_newest);
    assert_int_equal(((Xmtp__Mls__Api__V1__GetNewestGroupMessageRequest *)s.requests[1])->n_group_ids, 1000);
    run(&s, job_many_log_queries);
    assert_int_equal(((Xmtp__Mls__Api__V1__BatchQueryCommitLogRequest *)s.requests[2])->n_requests, 20);
    assert_int_equal(s.calls, 3);
    run(&s, job_many_log_entries);
    assert_int_equal(s.r, 0);
    assert_int_equal(s.calls, 5);
    assert_int_equal(((Xmtp__Mls__Api__V1__BatchPublishCommitLogRequest *)s.requests[3])->n_requests, 10);
    run(&s, job_many_messages);
    assert_int_equal(s.r, 0);
    assert_int_equal(s.calls, 8);
    assert_int_equal(((Xmtp__Mls__Api__V1__SendGroupMessagesRequest *)s.requests[5])->n_messages, 500);
    run(&s, job_large_messages);
    assert_int_equal(s.r, 0);
    assert_int_equal(s.calls, 11); /* two of 3 MiB are more than the 4 MiB of one call */
    teardown(&s);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_published_arrives_as_it_was_given),
        cmocka_unit_test(welcomes_go_in_batches_of_fifty),
        cmocka_unit_test(arguments_that_make_no_sense_never_leave),
        cmocka_unit_test(outside_of_a_fiber_a_call_is_refused),
        cmocka_unit_test(a_node_that_is_busy_is_asked_again),
        cmocka_unit_test(a_refusal_is_final_and_tells_the_words),
        cmocka_unit_test(an_internal_error_is_tried_three_times),
        cmocka_unit_test(without_a_node_it_is_offline),
        cmocka_unit_test(cancelling_ends_a_call_under_way_and_refuses_later_ones),
        cmocka_unit_test(closing_ends_a_call_that_waits_for_its_next_attempt),
        cmocka_unit_test(a_bad_row_is_left_out_and_its_id_told),
        cmocka_unit_test(more_is_to_come_where_the_node_gives_a_cursor),
        cmocka_unit_test(an_answer_that_does_not_parse_is_malformed),
        cmocka_unit_test(welcomes_of_both_kinds_are_read),
        cmocka_unit_test(key_packages_come_in_order_with_gaps),
        cmocka_unit_test(the_newest_message_tells_if_it_is_a_commit),
        cmocka_unit_test(identity_logs_come_in_batches_as_the_bytes_that_were_published),
        cmocka_unit_test(a_nul_in_an_update_does_not_spoil_the_log),
        cmocka_unit_test(inbox_ids_are_checked),
        cmocka_unit_test(wallet_verdicts_commit_logs_and_identity_updates_go_through),
        cmocka_unit_test(a_subscription_delivers_items_and_skips_bad_ones),
        cmocka_unit_test(a_paused_subscription_waits),
        cmocka_unit_test(a_subscription_closed_inside_its_callback_is_silent),
        cmocka_unit_test(a_lost_connection_and_a_shutdown_end_a_subscription_once),
        cmocka_unit_test(mls_framing_tells_commits_apart),
        cmocka_unit_test(newest_messages_answer_each_group_in_its_place),
        cmocka_unit_test(an_identity_log_is_the_one_asked_for_and_ascends),
        cmocka_unit_test(inbox_ids_answer_each_identifier_in_its_place),
        cmocka_unit_test(a_commit_log_is_the_one_asked_for_and_what_does_not_ascend_is_left_out),
        cmocka_unit_test(a_page_of_a_thousand_rows_more_than_asked_is_refused),
        cmocka_unit_test(as_much_goes_into_one_call_as_the_network_takes),
    };

    if (argc > 1) /* one test by name, for debugging */
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
