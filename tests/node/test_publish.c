/* Publishing and reading back, through the wire. */
#include "identity/key_package.h"
#include "identity/request.h"
#include "identity/state.h"
#include "mls/mls.h"
#include "net/status.h"
#include "proto/xmtp_identity_api.pb-c.h"
#include "proto/xmtp_mls_api.pb-c.h"
#include "tests/node/world.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/rand.h"

#include <sqlite3.h>
#include <stdatomic.h>

#include "tests/test.h"

#define APPLICATION MLS_CONTENT_APPLICATION
#define COMMIT      MLS_CONTENT_COMMIT

static const char group_a[] = "aaaaaaaaaaaaaaaa", group_b[] = "bbbbbbbbbbbbbbbb";

static Xmtp__Mls__Api__V1__QueryGroupMessagesResponse *query(struct world *w, const char *group, int direction,
                                                             uint32_t limit, uint64_t cursor)
{
    Xmtp__Mls__Api__V1__PagingInfo paging = XMTP__MLS__API__V1__PAGING_INFO__INIT;
    Xmtp__Mls__Api__V1__QueryGroupMessagesRequest request = XMTP__MLS__API__V1__QUERY_GROUP_MESSAGES_REQUEST__INIT;
    Xmtp__Mls__Api__V1__QueryGroupMessagesResponse *reply = NULL;

    paging.direction = (Xmtp__Mls__Api__V1__SortDirection)direction;
    paging.limit = limit;
    paging.id_cursor = cursor;
    request.group_id = proto_bytes(slice_str(group));
    request.paging_info = direction < 0 ? NULL : &paging;
    assert_int_equal(world_call(w, PROTO_MLS_QUERY_GROUP_MESSAGES, &request, &reply), GRPC_OK);
    return reply;
}

static int send_raw(struct world *w, struct slice data)
{
    Xmtp__Mls__Api__V1__GroupMessageInput__V1 v1 = XMTP__MLS__API__V1__GROUP_MESSAGE_INPUT__V1__INIT;
    Xmtp__Mls__Api__V1__GroupMessageInput input = XMTP__MLS__API__V1__GROUP_MESSAGE_INPUT__INIT, *inputs[] = {&input};
    Xmtp__Mls__Api__V1__SendGroupMessagesRequest request = XMTP__MLS__API__V1__SEND_GROUP_MESSAGES_REQUEST__INIT;

    v1.data = proto_bytes(data);
    input.version_case = XMTP__MLS__API__V1__GROUP_MESSAGE_INPUT__VERSION_V1;
    input.v1 = &v1;
    request.messages = inputs;
    request.n_messages = 1;
    return world_call(w, PROTO_MLS_SEND_GROUP_MESSAGES, &request, NULL);
}

static void a_message_comes_back_as_it_was_sent(void **state)
{
    struct world w;
    Xmtp__Mls__Api__V1__QueryGroupMessagesResponse *reply;
    Xmtp__Mls__Api__V1__GroupMessage__V1 *first, *second;
    struct buf data = BUF_INIT;

    (void)state;
    world_open(&w, NULL);
    assert_int_equal(send_message(&w, group_a, COMMIT, "one"), GRPC_OK);
    assert_int_equal(send_message(&w, group_a, APPLICATION, "two"), GRPC_OK);
    reply = query(&w, group_a, 1, 100, 0);
    assert_int_equal(reply->n_messages, 2);
    first = reply->messages[0]->v1;
    second = reply->messages[1]->v1;
    assert_int_equal(first->id, 2); /* ids begin above 1 */
    assert_int_equal(second->id, 3);
    assert_true(first->is_commit);
    assert_false(second->is_commit);
    assert_true(first->created_ns % 1000 == 0 && first->created_ns < second->created_ns);
    make_message(&data, group_a, COMMIT, "one", 3);
    assert_true(slice_eq(proto_slice(first->data), buf_slice(&data)));
    assert_true(slice_eq(proto_slice(first->group_id), slice_str(group_a)));
    assert_true(slice_eq(proto_slice(first->sender_hmac), slice_str("hmac")));
    assert_true(first->should_push);
    assert_int_equal(reply->paging_info->direction, 1);
    assert_int_equal(reply->paging_info->limit, 100);
    assert_int_equal(reply->paging_info->id_cursor, 0);
    buf_free(&data);
    world_close(&w);
}

static void a_repeated_send_is_one_row(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, NULL);
    assert_int_equal(send_message(&w, group_a, APPLICATION, "same"), GRPC_OK);
    assert_int_equal(send_message(&w, group_a, APPLICATION, "same"), GRPC_OK);
    assert_int_equal(send_message(&w, group_b, APPLICATION, "same"), GRPC_OK);
    assert_int_equal(query(&w, group_a, 1, 100, 0)->n_messages, 1);
    assert_int_equal(query(&w, group_b, 1, 100, 0)->n_messages, 1);
    world_close(&w);
}

static void what_is_no_group_message_is_refused_and_nothing_of_its_request_kept(void **state)
{
    static const uint8_t welcome[] = {0, 1, 0, 3, 0}, old[] = {0, 2, 0, 2, 0};
    Xmtp__Mls__Api__V1__SendGroupMessagesRequest none = XMTP__MLS__API__V1__SEND_GROUP_MESSAGES_REQUEST__INIT, both = none;
    Xmtp__Mls__Api__V1__GroupMessageInput__V1 good = XMTP__MLS__API__V1__GROUP_MESSAGE_INPUT__V1__INIT;
    Xmtp__Mls__Api__V1__GroupMessageInput input = XMTP__MLS__API__V1__GROUP_MESSAGE_INPUT__INIT,
                                          empty = XMTP__MLS__API__V1__GROUP_MESSAGE_INPUT__INIT;
    Xmtp__Mls__Api__V1__GroupMessageInput *inputs[] = {&input, &empty};
    struct buf data = BUF_INIT;
    struct world w;
    size_t len;

    (void)state;
    world_open(&w, NULL);
    assert_int_equal(world_call(&w, PROTO_MLS_SEND_GROUP_MESSAGES, &none, NULL), GRPC_INVALID_ARGUMENT);
    assert_string_equal(w.text, "no group messages to send");
    assert_int_equal(send_raw(&w, slice_of(NULL, 0)), GRPC_INVALID_ARGUMENT);
    assert_string_equal(w.text, "invalid group message: message is empty");
    assert_int_equal(send_raw(&w, slice_of(welcome, sizeof welcome)), GRPC_INVALID_ARGUMENT);
    assert_int_equal(send_raw(&w, slice_of(old, sizeof old)), GRPC_INVALID_ARGUMENT);

    make_message(&data, group_a, APPLICATION, "x", 1);
    for (len = 1; len < data.len; len++)
        assert_int_equal(send_raw(&w, slice_of(data.data, len)), GRPC_INVALID_ARGUMENT);
    /* A group id of 15 bytes, and none: all that follows it stays as it is. */
    memmove(data.data + 5, data.data + 6, --data.len - 5);
    data.data[4] = 15;
    assert_int_equal(send_raw(&w, buf_slice(&data)), GRPC_INVALID_ARGUMENT);
    assert_string_equal(w.text, "invalid group message: group id of 15 bytes, not 16");
    memmove(data.data + 5, data.data + 20, (data.len -= 15) - 5);
    data.data[4] = 0;
    assert_int_equal(send_raw(&w, buf_slice(&data)), GRPC_INVALID_ARGUMENT);
    assert_string_equal(w.text, "invalid group message: group id is empty");
    buf_reset(&data);
    make_message(&data, group_a, APPLICATION, "x", 1);

    good.data = proto_bytes(buf_slice(&data));
    input.version_case = XMTP__MLS__API__V1__GROUP_MESSAGE_INPUT__VERSION_V1;
    input.v1 = &good;
    both.messages = inputs;
    both.n_messages = 2;
    assert_int_equal(world_call(&w, PROTO_MLS_SEND_GROUP_MESSAGES, &both, NULL), GRPC_INVALID_ARGUMENT);
    assert_string_equal(w.text, "invalid group message");
    assert_int_equal(query(&w, group_a, 1, 100, 0)->n_messages, 0);
    buf_free(&data);
    world_close(&w);
}

static void pages_follow_the_rules_of_the_network(void **state)
{
    enum { N = 250 };
    Xmtp__Mls__Api__V1__QueryGroupMessagesResponse *reply;
    Xmtp__Mls__Api__V1__QueryGroupMessagesRequest nameless = XMTP__MLS__API__V1__QUERY_GROUP_MESSAGES_REQUEST__INIT;
    struct world w;
    char mark[16];
    int i;

    (void)state;
    world_open(&w, NULL);
    for (i = 0; i < N; i++) {
        snprintf(mark, sizeof mark, "%d", i);
        assert_int_equal(send_message(&w, group_a, APPLICATION, mark), GRPC_OK);
    }
    reply = query(&w, group_a, 1, 100, 0); /* ids 2 ... 251 */
    assert_int_equal(reply->n_messages, 100);
    assert_int_equal(reply->messages[0]->v1->id, 2);
    assert_int_equal(reply->paging_info->id_cursor, 101);
    reply = query(&w, group_a, 1, 100, 201);
    assert_int_equal(reply->n_messages, 50);
    assert_int_equal(reply->messages[0]->v1->id, 202);
    assert_int_equal(reply->paging_info->id_cursor, 0);
    /* No direction, and no paging info at all, are descending. */
    reply = query(&w, group_a, 0, 1, 0);
    assert_int_equal(reply->n_messages, 1);
    assert_int_equal(reply->messages[0]->v1->id, 251);
    assert_int_equal(reply->paging_info->direction, 2);
    assert_int_equal(reply->paging_info->id_cursor, 251);
    reply = query(&w, group_a, -1, 0, 0);
    assert_int_equal(reply->n_messages, 100);
    assert_int_equal(reply->messages[99]->v1->id, 152);
    reply = query(&w, group_a, 2, 7, 10);
    assert_int_equal(reply->n_messages, 7);
    assert_int_equal(reply->messages[0]->v1->id, 9);
    assert_int_equal(reply->paging_info->limit, 7);
    /* No limit and one over 100 are 100; a cursor past everything is an empty page. */
    reply = query(&w, group_a, 1, 0, 0);
    assert_int_equal(reply->n_messages, 100);
    assert_int_equal(reply->paging_info->limit, 100);
    assert_int_equal(query(&w, group_a, 1, 5000, 0)->n_messages, 100);
    assert_int_equal(query(&w, group_a, 1, 100, UINT64_MAX)->n_messages, 0);
    assert_int_equal(query(&w, group_b, 1, 100, 0)->n_messages, 0);
    assert_int_equal(world_call(&w, PROTO_MLS_QUERY_GROUP_MESSAGES, &nameless, NULL), GRPC_UNKNOWN);
    assert_string_equal(w.text, "group is required");
    world_close(&w);
}

static void the_newest_message_of_each_group_in_order(void **state)
{
    Xmtp__Mls__Api__V1__GetNewestGroupMessageRequest request = XMTP__MLS__API__V1__GET_NEWEST_GROUP_MESSAGE_REQUEST__INIT;
    Xmtp__Mls__Api__V1__GetNewestGroupMessageResponse *reply;
    ProtobufCBinaryData ids[] = {proto_bytes(slice_str(group_b)), proto_bytes(slice_str("cccccccccccccccc")),
                                 proto_bytes(slice_str(group_a))};
    struct world w;

    (void)state;
    world_open(&w, NULL);
    send_message(&w, group_a, APPLICATION, "1");
    send_message(&w, group_b, APPLICATION, "2");
    send_message(&w, group_a, COMMIT, "3");
    assert_int_equal(world_call(&w, PROTO_MLS_GET_NEWEST_GROUP_MESSAGE, &request, NULL), GRPC_INVALID_ARGUMENT);
    assert_string_equal(w.text, "no group ids provided");
    request.group_ids = ids;
    request.n_group_ids = 3;
    assert_int_equal(world_call(&w, PROTO_MLS_GET_NEWEST_GROUP_MESSAGE, &request, &reply), GRPC_OK);
    assert_int_equal(reply->n_responses, 3);
    assert_int_equal(reply->responses[0]->group_message->v1->id, 3);
    assert_false(reply->responses[0]->group_message->v1->is_commit);
    assert_null(reply->responses[1]->group_message);
    assert_int_equal(reply->responses[2]->group_message->v1->id, 4);
    assert_true(reply->responses[2]->group_message->v1->is_commit);
    assert_true(slice_eq(proto_slice(reply->responses[2]->group_message->v1->group_id), slice_str(group_a)));
    assert_int_equal(reply->responses[2]->group_message->v1->data.len, 0);
    request.include_content = true;
    assert_int_equal(world_call(&w, PROTO_MLS_GET_NEWEST_GROUP_MESSAGE, &request, &reply), GRPC_OK);
    assert_true(reply->responses[2]->group_message->v1->data.len > 16);
    world_close(&w);
}

/* ---- Welcomes ---- */

static const char installation[] = "iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii";

struct welcome {
    Xmtp__Mls__Api__V1__WelcomeMessageInput__V1 v1;
    Xmtp__Mls__Api__V1__WelcomeMessageInput__WelcomePointer pointer;
    Xmtp__Mls__Api__V1__WelcomeMessageInput input;
};

static void welcome_v1(struct welcome *x, const char *data, int algorithm)
{
    xmtp__mls__api__v1__welcome_message_input__init(&x->input);
    xmtp__mls__api__v1__welcome_message_input__v1__init(&x->v1);
    x->v1.installation_key = proto_bytes(slice_str(installation));
    x->v1.data = proto_bytes(slice_str(data));
    x->v1.hpke_public_key = proto_bytes(slice_str("hpke"));
    x->v1.welcome_metadata = proto_bytes(slice_str("meta"));
    x->v1.wrapper_algorithm = (Xmtp__Mls__MessageContents__WelcomeWrapperAlgorithm)algorithm;
    x->input.version_case = XMTP__MLS__API__V1__WELCOME_MESSAGE_INPUT__VERSION_V1;
    x->input.v1 = &x->v1;
}

static void welcome_pointer(struct welcome *x, const char *data, int algorithm)
{
    xmtp__mls__api__v1__welcome_message_input__init(&x->input);
    xmtp__mls__api__v1__welcome_message_input__welcome_pointer__init(&x->pointer);
    x->pointer.installation_key = proto_bytes(slice_str(installation));
    x->pointer.welcome_pointer = proto_bytes(slice_str(data));
    x->pointer.hpke_public_key = proto_bytes(slice_str("hpke"));
    x->pointer.wrapper_algorithm = (Xmtp__Mls__MessageContents__WelcomePointerWrapperAlgorithm)algorithm;
    x->input.version_case = XMTP__MLS__API__V1__WELCOME_MESSAGE_INPUT__VERSION_WELCOME_POINTER;
    x->input.welcome_pointer = &x->pointer;
}

static int send_welcomes(struct world *w, struct welcome *first, struct welcome *second)
{
    Xmtp__Mls__Api__V1__SendWelcomeMessagesRequest request = XMTP__MLS__API__V1__SEND_WELCOME_MESSAGES_REQUEST__INIT;
    Xmtp__Mls__Api__V1__WelcomeMessageInput *inputs[2];

    request.messages = inputs;
    if (first != NULL)
        inputs[request.n_messages++] = &first->input;
    if (second != NULL)
        inputs[request.n_messages++] = &second->input;
    return world_call(w, PROTO_MLS_SEND_WELCOME_MESSAGES, &request, NULL);
}

static void both_kinds_of_welcome_share_ids_and_come_back_in_order(void **state)
{
    Xmtp__Mls__Api__V1__QueryWelcomeMessagesRequest request = XMTP__MLS__API__V1__QUERY_WELCOME_MESSAGES_REQUEST__INIT;
    Xmtp__Mls__Api__V1__PagingInfo paging = XMTP__MLS__API__V1__PAGING_INFO__INIT;
    Xmtp__Mls__Api__V1__QueryWelcomeMessagesResponse *reply;
    struct welcome a, b;
    struct world w;

    (void)state;
    world_open(&w, NULL);
    welcome_v1(&a, "first", 0);
    welcome_pointer(&b, "second", 2);
    assert_int_equal(send_welcomes(&w, &a, &b), GRPC_OK);
    assert_int_equal(send_welcomes(&w, &a, NULL), GRPC_OK); /* once more */
    assert_int_equal(world_call(&w, PROTO_MLS_QUERY_WELCOME_MESSAGES, &request, NULL), GRPC_UNKNOWN);
    assert_string_equal(w.text, "installation is required");
    paging.direction = XMTP__MLS__API__V1__SORT_DIRECTION__SORT_DIRECTION_ASCENDING;
    request.installation_key = proto_bytes(slice_str(installation));
    request.paging_info = &paging;
    assert_int_equal(world_call(&w, PROTO_MLS_QUERY_WELCOME_MESSAGES, &request, &reply), GRPC_OK);
    assert_int_equal(reply->n_messages, 2);
    assert_int_equal(reply->messages[0]->version_case, XMTP__MLS__API__V1__WELCOME_MESSAGE__VERSION_V1);
    assert_int_equal(reply->messages[0]->v1->id, 1);
    assert_int_equal(reply->messages[0]->v1->wrapper_algorithm, 1); /* 0 is stored as Curve25519 */
    assert_true(slice_eq(proto_slice(reply->messages[0]->v1->data), slice_str("first")));
    assert_true(slice_eq(proto_slice(reply->messages[0]->v1->welcome_metadata), slice_str("meta")));
    assert_true(slice_eq(proto_slice(reply->messages[0]->v1->hpke_public_key), slice_str("hpke")));
    assert_int_equal(reply->messages[1]->version_case, XMTP__MLS__API__V1__WELCOME_MESSAGE__VERSION_WELCOME_POINTER);
    assert_int_equal(reply->messages[1]->welcome_pointer->id, 2);
    assert_int_equal(reply->messages[1]->welcome_pointer->wrapper_algorithm, 2);
    assert_true(slice_eq(proto_slice(reply->messages[1]->welcome_pointer->welcome_pointer), slice_str("second")));
    world_close(&w);
}

static void one_bad_welcome_refuses_the_whole_request(void **state)
{
    Xmtp__Mls__Api__V1__QueryWelcomeMessagesRequest request = XMTP__MLS__API__V1__QUERY_WELCOME_MESSAGES_REQUEST__INIT;
    Xmtp__Mls__Api__V1__QueryWelcomeMessagesResponse *reply;
    struct welcome good, bad;
    struct world w;

    (void)state;
    world_open(&w, NULL);
    welcome_v1(&good, "good", 1);
    assert_int_equal(send_welcomes(&w, NULL, NULL), GRPC_INVALID_ARGUMENT);
    assert_string_equal(w.text, "no welcome messages to send");
    welcome_pointer(&bad, "p", 1);
    assert_int_equal(send_welcomes(&w, &good, &bad), GRPC_INVALID_ARGUMENT);
    assert_string_equal(w.text, "invalid welcome pointer wrapper algorithm 1");
    welcome_pointer(&bad, "", 2);
    assert_int_equal(send_welcomes(&w, &good, &bad), GRPC_INVALID_ARGUMENT);
    assert_string_equal(w.text, "invalid welcome pointer message");
    welcome_pointer(&bad, "p", 2);
    bad.pointer.hpke_public_key.len = 0;
    assert_int_equal(send_welcomes(&w, &good, &bad), GRPC_INVALID_ARGUMENT);
    assert_string_equal(w.text, "invalid welcome pointer message");
    welcome_pointer(&bad, "p", 2);
    bad.pointer.installation_key.len = 31;
    assert_int_equal(send_welcomes(&w, &good, &bad), GRPC_INVALID_ARGUMENT);
    assert_string_equal(w.text, "invalid welcome pointer message: installation key of 31 bytes, not 32");
    welcome_v1(&bad, "x", -1);
    assert_int_equal(send_welcomes(&w, &good, &bad), GRPC_INVALID_ARGUMENT);
    welcome_v1(&bad, "x", 4);
    assert_int_equal(send_welcomes(&w, &good, &bad), GRPC_INVALID_ARGUMENT);
    assert_string_equal(w.text, "invalid welcome message: unknown wrapper algorithm 4");
    welcome_v1(&bad, "", 1);
    assert_int_equal(send_welcomes(&w, &good, &bad), GRPC_INVALID_ARGUMENT);
    welcome_v1(&bad, "x", 1);
    bad.v1.hpke_public_key.len = 0;
    assert_int_equal(send_welcomes(&w, &good, &bad), GRPC_INVALID_ARGUMENT);
    bad.v1.wrapper_algorithm = 3; /* where a pointer points to: no key needed, but 32 bytes of topic are */
    bad.v1.installation_key.len = 31;
    assert_int_equal(send_welcomes(&w, &good, &bad), GRPC_INVALID_ARGUMENT);
    bad.v1.installation_key.len = 32;
    bad.input.version_case = XMTP__MLS__API__V1__WELCOME_MESSAGE_INPUT__VERSION__NOT_SET;
    assert_int_equal(send_welcomes(&w, &good, &bad), GRPC_INVALID_ARGUMENT);
    assert_string_equal(w.text, "invalid welcome message: missing version");
    request.installation_key = proto_bytes(slice_str(installation));
    assert_int_equal(world_call(&w, PROTO_MLS_QUERY_WELCOME_MESSAGES, &request, &reply), GRPC_OK);
    assert_int_equal(reply->n_messages, 0);
    bad.input.version_case = XMTP__MLS__API__V1__WELCOME_MESSAGE_INPUT__VERSION_V1;
    assert_int_equal(send_welcomes(&w, &good, &bad), GRPC_OK);
    world_close(&w);
}

static void the_same_welcome_for_two_installations_is_two(void **state)
{
    Xmtp__Mls__Api__V1__QueryWelcomeMessagesRequest request = XMTP__MLS__API__V1__QUERY_WELCOME_MESSAGES_REQUEST__INIT;
    static const char another[] = "jjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjj";
    Xmtp__Mls__Api__V1__QueryWelcomeMessagesResponse *reply;
    struct welcome a, b;
    struct world w;

    (void)state;
    world_open(&w, NULL);
    welcome_v1(&a, "same", 1);
    welcome_v1(&b, "same", 1);
    b.v1.installation_key = proto_bytes(slice_str(another));
    assert_int_equal(send_welcomes(&w, &a, &b), GRPC_OK);
    request.installation_key = proto_bytes(slice_str(another));
    assert_int_equal(world_call(&w, PROTO_MLS_QUERY_WELCOME_MESSAGES, &request, &reply), GRPC_OK);
    assert_int_equal(reply->n_messages, 1);
    assert_int_equal(reply->messages[0]->v1->id, 2);
    world_close(&w);
}

/* ---- Key packages ---- */

static void key_packages_are_replaced_and_fetched_in_the_order_asked(void **state)
{
    Xmtp__Mls__Api__V1__FetchKeyPackagesRequest request = XMTP__MLS__API__V1__FETCH_KEY_PACKAGES_REQUEST__INIT;
    Xmtp__Mls__Api__V1__FetchKeyPackagesResponse *reply;
    struct bytes old = {0}, new = {0};
    struct person p;
    ProtobufCBinaryData keys[4];
    struct world w;

    (void)state;
    world_open(&w, NULL);
    person_make(&p, 1);
    make_key_package(&p, &old);
    make_key_package(&p, &new);
    assert_int_equal(upload_key_package(&w, bytes_slice(&old)), GRPC_OK);
    assert_int_equal(upload_key_package(&w, bytes_slice(&new)), GRPC_OK);
    assert_int_equal(world_call(&w, PROTO_MLS_FETCH_KEY_PACKAGES, &request, &reply), GRPC_OK);
    assert_int_equal(reply->n_key_packages, 0);
    keys[0] = keys[2] = proto_bytes(slice_of(installation, 32));
    keys[1] = keys[3] = proto_bytes(slice_of(p.installation.public_key, 32));
    request.installation_keys = keys;
    request.n_installation_keys = 4;
    assert_int_equal(world_call(&w, PROTO_MLS_FETCH_KEY_PACKAGES, &request, &reply), GRPC_OK);
    assert_int_equal(reply->n_key_packages, 4);
    assert_int_equal(reply->key_packages[0]->key_package_tls_serialized.len, 0);
    assert_int_equal(reply->key_packages[2]->key_package_tls_serialized.len, 0);
    assert_true(slice_eq(proto_slice(reply->key_packages[1]->key_package_tls_serialized), bytes_slice(&new)));
    assert_true(slice_eq(proto_slice(reply->key_packages[3]->key_package_tls_serialized), bytes_slice(&new)));
    bytes_free(&old);
    bytes_free(&new);
    world_close(&w);
}

static void a_damaged_key_package_is_refused(void **state)
{
    Xmtp__Mls__Api__V1__UploadKeyPackageRequest none = XMTP__MLS__API__V1__UPLOAD_KEY_PACKAGE_REQUEST__INIT;
    struct bytes kp = {0};
    struct person p;
    struct world w;
    size_t at;

    (void)state;
    world_open(&w, NULL);
    person_make(&p, 1);
    make_key_package(&p, &kp);
    assert_int_equal(world_call(&w, PROTO_MLS_UPLOAD_KEY_PACKAGE, &none, NULL), GRPC_INVALID_ARGUMENT);
    assert_string_equal(w.text, "no key package");
    assert_int_equal(upload_key_package(&w, slice_of(kp.data, kp.len - 1)), GRPC_INVALID_ARGUMENT);
    assert_non_null(strstr(w.text, "invalid identity: "));
    for (at = 0; at < kp.len; at += 7) {
        kp.data[at] ^= 1;
        assert_int_equal(upload_key_package(&w, bytes_slice(&kp)), GRPC_INVALID_ARGUMENT);
        kp.data[at] ^= 1;
    }
    assert_int_equal(upload_key_package(&w, bytes_slice(&kp)), GRPC_OK);
    bytes_free(&kp);
    world_close(&w);
}

static void a_key_package_that_would_crowd_out_others_is_refused(void **state)
{
    enum { MOST = 32 * 1024 };
    uint8_t *large = xm_alloc(MOST + 1);
    struct world w;

    (void)state;
    assert_non_null(large);
    world_open(&w, NULL);
    assert_int_equal(upload_key_package(&w, slice_of(large, MOST)), GRPC_INVALID_ARGUMENT); /* it does not parse */
    assert_int_equal(upload_key_package(&w, slice_of(large, MOST + 1)), GRPC_RESOURCE_EXHAUSTED);
    assert_string_equal(w.text, "a key package of 32769 bytes, over the limit of 32768");
    xm_free(large);
    world_close(&w);
}

static void registering_is_uploading_and_tells_the_installation(void **state)
{
    Xmtp__Mls__Api__V1__FetchKeyPackagesRequest fetch = XMTP__MLS__API__V1__FETCH_KEY_PACKAGES_REQUEST__INIT;
    Xmtp__Mls__Api__V1__KeyPackageUpload upload = XMTP__MLS__API__V1__KEY_PACKAGE_UPLOAD__INIT;
    Xmtp__Mls__Api__V1__RegisterInstallationRequest request = XMTP__MLS__API__V1__REGISTER_INSTALLATION_REQUEST__INIT;
    Xmtp__Mls__Api__V1__RegisterInstallationResponse *registered;
    Xmtp__Mls__Api__V1__FetchKeyPackagesResponse *fetched;
    ProtobufCBinaryData key;
    struct bytes kp = {0};
    struct person p;
    struct world w;

    (void)state;
    world_open(&w, NULL);
    person_make(&p, 1);
    make_key_package(&p, &kp);
    upload.key_package_tls_serialized = proto_bytes(bytes_slice(&kp));
    request.key_package = &upload;
    assert_int_equal(world_call(&w, PROTO_MLS_REGISTER_INSTALLATION, &request, &registered), GRPC_OK);
    key = proto_bytes(slice_of(p.installation.public_key, 32));
    assert_true(slice_eq(proto_slice(registered->installation_key), proto_slice(key)));
    fetch.installation_keys = &key;
    fetch.n_installation_keys = 1;
    assert_int_equal(world_call(&w, PROTO_MLS_FETCH_KEY_PACKAGES, &fetch, &fetched), GRPC_OK);
    assert_true(slice_eq(proto_slice(fetched->key_packages[0]->key_package_tls_serialized), bytes_slice(&kp)));
    bytes_free(&kp);
    world_close(&w);
}

/* As the network takes it: clients of tomorrow seal welcomes in ways that this node has not heard of. */
static void a_key_package_with_unknown_welcome_extensions_is_taken(void **state)
{
    static const uint8_t wrapper[] = {0x0a, 4, 'a', 'k', 'e', 'y', 0x10, 9}, pointee[] = {0x08, 7};
    struct mls_key_package_bundle bundle;
    struct buf extensions = BUF_INIT;
    char inbox_id[INBOX_ID_LEN + 1];
    struct own_leaf leaf;
    struct person p;
    struct world w;
    struct err err = {0};

    (void)state;
    world_open(&w, NULL);
    person_make(&p, 1);
    memset(inbox_id, 'f', INBOX_ID_LEN);
    inbox_id[INBOX_ID_LEN] = 0;
    own_leaf_init(&leaf, &p.installation, inbox_id, (uint64_t)(clock_now_ns(&clock_system) / NS_PER_S));
    leaf.extensions[sizeof leaf.extensions - 1] = 'e'; /* the application id is another inbox */
    mls_extension_put(&extensions, MLS_EXT_LAST_RESORT, slice_of(NULL, 0));
    mls_extension_put(&extensions, XMTP_EXT_WELCOME_WRAPPER, slice_of(wrapper, sizeof wrapper));
    mls_extension_put(&extensions, XMTP_EXT_WELCOME_POINTEE_AEAD, slice_of(pointee, sizeof pointee));
    if (mls_key_package_create(MLS_SUITE_CHACHA20, &leaf.params, buf_slice(&extensions), &rand_system, &bundle, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(upload_key_package(&w, bytes_slice(&bundle.data)), GRPC_OK);
    mls_key_package_bundle_wipe(&bundle);
    buf_free(&extensions);
    world_close(&w);
}

/* ---- Commit log ---- */

static int publish_log(struct world *w, const char *group, const char *entry, size_t n, bool with_signature)
{
    Xmtp__Identity__Associations__RecoverableEd25519Signature signature =
        XMTP__IDENTITY__ASSOCIATIONS__RECOVERABLE_ED25519_SIGNATURE__INIT;
    Xmtp__Mls__Api__V1__PublishCommitLogRequest one = XMTP__MLS__API__V1__PUBLISH_COMMIT_LOG_REQUEST__INIT, *all[11];
    Xmtp__Mls__Api__V1__BatchPublishCommitLogRequest request = XMTP__MLS__API__V1__BATCH_PUBLISH_COMMIT_LOG_REQUEST__INIT;
    size_t i;

    signature.bytes = proto_bytes(slice_str("signature"));
    signature.public_key = proto_bytes(slice_str("key"));
    one.group_id = proto_bytes(slice_str(group));
    one.serialized_commit_log_entry = proto_bytes(slice_str(entry));
    one.signature = with_signature ? &signature : NULL;
    for (i = 0; i < n; i++)
        all[i] = &one;
    request.requests = all;
    request.n_requests = n;
    return world_call(w, PROTO_MLS_BATCH_PUBLISH_COMMIT_LOG, &request, NULL);
}

static void the_commit_log_keeps_its_limits_and_its_order(void **state)
{
    Xmtp__Mls__Api__V1__PagingInfo paging = XMTP__MLS__API__V1__PAGING_INFO__INIT;
    Xmtp__Mls__Api__V1__QueryCommitLogRequest one = XMTP__MLS__API__V1__QUERY_COMMIT_LOG_REQUEST__INIT,
                                              other = XMTP__MLS__API__V1__QUERY_COMMIT_LOG_REQUEST__INIT, *all[21];
    Xmtp__Mls__Api__V1__BatchQueryCommitLogRequest request = XMTP__MLS__API__V1__BATCH_QUERY_COMMIT_LOG_REQUEST__INIT;
    Xmtp__Mls__Api__V1__BatchQueryCommitLogResponse *reply;
    struct world w;
    size_t i;

    (void)state;
    world_open(&w, NULL);
    assert_int_equal(publish_log(&w, group_a, "e", 0, true), GRPC_INVALID_ARGUMENT);
    assert_int_equal(publish_log(&w, group_a, "e", 11, true), GRPC_INVALID_ARGUMENT);
    assert_int_equal(publish_log(&w, group_a, "e", 1, false), GRPC_INVALID_ARGUMENT);
    assert_string_equal(w.text, "invalid commit log entry");
    assert_int_equal(publish_log(&w, "", "e", 1, true), GRPC_INVALID_ARGUMENT);
    assert_string_equal(w.text, "invalid commit log entry");
    assert_int_equal(publish_log(&w, group_a, "", 1, true), GRPC_INVALID_ARGUMENT);
    assert_string_equal(w.text, "invalid commit log entry");
    assert_int_equal(publish_log(&w, group_a, "first", 1, true), GRPC_OK);
    assert_int_equal(publish_log(&w, group_b, "between", 1, true), GRPC_OK);
    assert_int_equal(publish_log(&w, group_a, "second", 10, true), GRPC_OK); /* doubles are kept */

    assert_int_equal(world_call(&w, PROTO_MLS_BATCH_QUERY_COMMIT_LOG, &request, NULL), GRPC_INVALID_ARGUMENT);
    assert_string_equal(w.text, "no requests to query");
    one.group_id = proto_bytes(slice_str(group_a));
    one.paging_info = &paging;
    paging.limit = 3;
    paging.id_cursor = 1;
    other.group_id = proto_bytes(slice_str("cccccccccccccccc"));
    for (i = 0; i < 21; i++)
        all[i] = &one;
    request.requests = all;
    request.n_requests = 21;
    assert_int_equal(world_call(&w, PROTO_MLS_BATCH_QUERY_COMMIT_LOG, &request, NULL), GRPC_INVALID_ARGUMENT);
    assert_string_equal(w.text, "cannot exceed 20 queries in single batch");
    all[1] = &other;
    request.n_requests = 2;
    assert_int_equal(world_call(&w, PROTO_MLS_BATCH_QUERY_COMMIT_LOG, &request, &reply), GRPC_OK);
    assert_int_equal(reply->n_responses, 2);
    assert_true(slice_eq(proto_slice(reply->responses[0]->group_id), slice_str(group_a)));
    assert_int_equal(reply->responses[0]->n_commit_log_entries, 3);
    assert_int_equal(reply->responses[0]->commit_log_entries[0]->sequence_id, 3);
    assert_true(slice_eq(proto_slice(reply->responses[0]->commit_log_entries[0]->serialized_commit_log_entry),
                         slice_str("second")));
    assert_true(slice_eq(proto_slice(reply->responses[0]->commit_log_entries[0]->signature->public_key),
                         slice_str("key")));
    assert_int_equal(reply->responses[0]->paging_info->id_cursor, 5);
    assert_true(slice_eq(proto_slice(reply->responses[1]->group_id), slice_str("cccccccccccccccc")));
    assert_int_equal(reply->responses[1]->n_commit_log_entries, 0);
    assert_int_equal(reply->responses[1]->paging_info->id_cursor, 0);
    paging.direction = XMTP__MLS__API__V1__SORT_DIRECTION__SORT_DIRECTION_DESCENDING;
    assert_int_equal(world_call(&w, PROTO_MLS_BATCH_QUERY_COMMIT_LOG, &request, NULL), GRPC_INTERNAL);
    one.group_id.len = 0;
    assert_int_equal(world_call(&w, PROTO_MLS_BATCH_QUERY_COMMIT_LOG, &request, NULL), GRPC_INVALID_ARGUMENT);
    world_close(&w);
}

/* ---- Large things ---- */

static char *large_text(size_t len, char first)
{
    char *text = xm_alloc(len + 1);

    assert_non_null(text);
    memset(text, 'x', len);
    text[0] = first;
    text[len] = 0;
    return text;
}

static void a_page_is_cut_where_no_client_could_read_more(void **state)
{
    enum { SIZE = 10 * 1024 * 1024, MOST = 25 * 1024 * 1024 };
    Xmtp__Mls__Api__V1__QueryGroupMessagesResponse *reply;
    struct buf data = BUF_INIT;
    struct world w;
    size_t head;
    char *text;
    int i;

    (void)state;
    world_open(&w, NULL);
    for (i = 0; i < 3; i++) {
        text = large_text(SIZE, (char)('1' + i));
        assert_int_equal(send_message(&w, group_a, APPLICATION, text), GRPC_OK);
        xm_free(text);
    }
    reply = query(&w, group_a, 1, 100, 0);
    assert_int_equal(reply->n_messages, 2);
    assert_int_equal(reply->paging_info->id_cursor, 3);
    reply = query(&w, group_a, 1, 100, 3);
    assert_int_equal(reply->n_messages, 1);
    assert_int_equal(reply->paging_info->id_cursor, 0);

    /* The largest message that is taken can be read; one byte more is not taken. */
    text = large_text(MOST, 'x');
    make_message(&data, group_b, APPLICATION, text, SIZE);
    head = data.len - SIZE;
    buf_reset(&data);
    make_message(&data, group_b, APPLICATION, text, MOST - 1024 - head);
    assert_int_equal(data.len, MOST - 1024);
    assert_int_equal(send_raw(&w, buf_slice(&data)), GRPC_OK);
    assert_int_equal(query(&w, group_b, 1, 100, 0)->n_messages, 1);
    buf_put_u8(&data, 0);
    assert_int_equal(send_raw(&w, buf_slice(&data)), GRPC_RESOURCE_EXHAUSTED);
    xm_free(text);
    buf_free(&data);
    world_close(&w);
}

static void commit_logs_are_cut_where_no_client_could_read_more(void **state)
{
    enum { SIZE = 10 * 1024 * 1024, MOST = 25 * 1024 * 1024 };
    Xmtp__Mls__Api__V1__PagingInfo paging = XMTP__MLS__API__V1__PAGING_INFO__INIT;
    Xmtp__Mls__Api__V1__QueryCommitLogRequest a = XMTP__MLS__API__V1__QUERY_COMMIT_LOG_REQUEST__INIT, b = a,
                                              *both[] = {&a, &b};
    Xmtp__Mls__Api__V1__BatchQueryCommitLogRequest request = XMTP__MLS__API__V1__BATCH_QUERY_COMMIT_LOG_REQUEST__INIT;
    Xmtp__Mls__Api__V1__BatchQueryCommitLogResponse *reply;
    char *text = large_text(SIZE, 'x'), *most = large_text(MOST - 1024, 'x');
    struct world w;
    int i;

    (void)state;
    world_open(&w, NULL);
    for (i = 0; i < 3; i++)
        assert_int_equal(publish_log(&w, group_a, text, 1, true), GRPC_OK);
    assert_int_equal(publish_log(&w, group_b, text, 1, true), GRPC_OK);
    assert_int_equal(publish_log(&w, group_b, most, 1, true), GRPC_RESOURCE_EXHAUSTED);
    a.group_id = proto_bytes(slice_str(group_a));
    a.paging_info = &paging;
    b.group_id = proto_bytes(slice_str(group_b));
    request.requests = both;
    request.n_requests = 2;
    assert_int_equal(world_call(&w, PROTO_MLS_BATCH_QUERY_COMMIT_LOG, &request, &reply), GRPC_OK);
    assert_int_equal(reply->responses[0]->n_commit_log_entries, 2);
    assert_int_equal(reply->responses[0]->paging_info->id_cursor, 2);
    assert_int_equal(reply->responses[1]->n_commit_log_entries, 0);
    assert_int_equal(reply->responses[1]->paging_info->id_cursor, 0);
    paging.id_cursor = 2;
    assert_int_equal(world_call(&w, PROTO_MLS_BATCH_QUERY_COMMIT_LOG, &request, &reply), GRPC_OK);
    assert_int_equal(reply->responses[0]->n_commit_log_entries, 1);
    assert_int_equal(reply->responses[1]->n_commit_log_entries, 1);
    xm_free(most);
    xm_free(text);
    world_close(&w);
}

/* ---- Others ---- */

static void methods_that_are_not_there_answer_unimplemented(void **state)
{
    static const char *const paths[] = {"/xmtp.mls.api.v1.MlsApi/Subscribe",
                                        "/xmtp.migration.api.v1.D14nMigrationApi/FetchD14nCutover",
                                        "/xmtp.mls.api.v1.MlsApi/RevokeInstallation", "/nothing"};
    struct world w;
    size_t i;

    (void)state;
    world_open(&w, NULL);
    for (i = 0; i < sizeof paths / sizeof *paths; i++)
        assert_int_equal(world_call_bytes(&w, paths[i], slice_of(NULL, 0), NULL), GRPC_UNIMPLEMENTED);
    world_close(&w);
}

static void bytes_that_are_no_request_are_refused_by_every_method(void **state)
{
    static const uint8_t junk[] = {0x0a, 0x7f, 1, 2, 3};
    struct world w;
    unsigned i;

    (void)state;
    world_open(&w, NULL);
    for (i = 0; i < PROTO_METHOD_COUNT; i++) {
        const struct proto_method_info *info = proto_method_info((enum proto_method)i);

        if (!info->server_stream && i != PROTO_HEALTH_CHECK)
            assert_int_equal(world_call_bytes(&w, info->path, slice_of(junk, sizeof junk), NULL),
                             GRPC_INVALID_ARGUMENT);
    }
    world_close(&w);
}

/* Each entry is a look-up while nobody else is served. */
static void lists_of_more_than_ten_thousand_are_refused(void **state)
{
    static const enum proto_method methods[] = {
        PROTO_MLS_FETCH_KEY_PACKAGES, PROTO_MLS_GET_NEWEST_GROUP_MESSAGE, PROTO_IDENTITY_GET_IDENTITY_UPDATES,
        PROTO_IDENTITY_GET_INBOX_IDS, PROTO_IDENTITY_VERIFY_SMART_CONTRACT_WALLET_SIGNATURES};
    struct buf request = BUF_INIT;
    struct world w;
    size_t i;
    int k;

    (void)state;
    for (k = 0; k < 10001; k++)
        buf_put_u16(&request, 0x0a00); /* field 1, empty */
    world_open(&w, NULL);
    for (i = 0; i < sizeof methods / sizeof *methods; i++) {
        assert_int_equal(world_call_bytes(&w, proto_method_info(methods[i])->path, buf_slice(&request), NULL),
                         GRPC_RESOURCE_EXHAUSTED);
        assert_non_null(strstr(w.text, "10001"));
        if (methods[i] != PROTO_IDENTITY_GET_IDENTITY_UPDATES) /* whose inbox ids are wanted whole */
            assert_int_equal(world_call_bytes(&w, proto_method_info(methods[i])->path,
                                              slice_of(request.data, request.len - 2), NULL),
                             GRPC_OK);
    }
    buf_free(&request);
    world_close(&w);
}

static void an_answer_that_no_client_could_read_is_not_sent(void **state)
{
    enum { SIZE = 13 * 1024 * 1024 };
    Xmtp__Mls__Api__V1__GetNewestGroupMessageRequest request = XMTP__MLS__API__V1__GET_NEWEST_GROUP_MESSAGE_REQUEST__INIT;
    ProtobufCBinaryData ids[] = {proto_bytes(slice_str(group_a)), proto_bytes(slice_str(group_b))};
    char *text = large_text(SIZE, 'x');
    struct world w;

    (void)state;
    world_open(&w, NULL);
    assert_int_equal(send_message(&w, group_a, APPLICATION, text), GRPC_OK);
    assert_int_equal(send_message(&w, group_b, APPLICATION, text), GRPC_OK);
    request.group_ids = ids;
    request.n_group_ids = 2;
    request.include_content = true;
    assert_int_equal(world_call(&w, PROTO_MLS_GET_NEWEST_GROUP_MESSAGE, &request, NULL), GRPC_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(w.text, "ask for less"));
    request.n_group_ids = 1;
    assert_int_equal(world_call(&w, PROTO_MLS_GET_NEWEST_GROUP_MESSAGE, &request, NULL), GRPC_OK);
    xm_free(text);
    world_close(&w);
}

static void the_node_says_that_it_is_well(void **state)
{
    struct bytes reply = {0};
    struct world w;

    (void)state;
    world_open(&w, NULL);
    assert_int_equal(world_call_bytes(&w, "/grpc.health.v1.Health/Check", slice_of(NULL, 0), &reply), GRPC_OK);
    assert_true(slice_eq(bytes_slice(&reply), slice_str("\x08\x01"))); /* SERVING */
    bytes_free(&reply);
    world_close(&w);
}

static int64_t set_now_ns(void *ctx)
{
    return *(int64_t *)ctx;
}

/* Clients order messages by these times. */
static void time_never_goes_back_though_the_clock_does(void **state)
{
    int64_t now = INT64_C(1700000000000000000);
    struct clock set = clock_system;
    Xmtp__Mls__Api__V1__QueryGroupMessagesResponse *reply;
    struct world w;

    (void)state;
    set.now_ns = set_now_ns;
    set.ctx = &now;
    world_open_at(&w, &set);
    assert_int_equal(send_message(&w, group_a, APPLICATION, "1"), GRPC_OK);
    now -= INT64_C(3600) * NS_PER_S;
    assert_int_equal(send_message(&w, group_a, APPLICATION, "2"), GRPC_OK);
    world_restart(&w);
    assert_int_equal(send_message(&w, group_a, APPLICATION, "3"), GRPC_OK);
    now += INT64_C(7200) * NS_PER_S + 999;
    assert_int_equal(send_message(&w, group_a, APPLICATION, "4"), GRPC_OK);
    reply = query(&w, group_a, 1, 100, 0);
    assert_int_equal(reply->n_messages, 4);
    assert_int_equal(reply->messages[0]->v1->created_ns, INT64_C(1700000000000000000));
    assert_int_equal(reply->messages[1]->v1->created_ns, INT64_C(1700000000000001000));
    assert_int_equal(reply->messages[2]->v1->created_ns, INT64_C(1700000000000002000));
    assert_int_equal(reply->messages[3]->v1->created_ns, now - 999); /* microseconds */
    world_close(&w);
}

static void everything_is_there_after_a_restart_and_time_goes_on(void **state)
{
    Xmtp__Mls__Api__V1__QueryGroupMessagesResponse *reply;
    uint64_t before;
    struct world w;

    (void)state;
    world_open(&w, NULL);
    send_message(&w, group_a, APPLICATION, "1");
    before = query(&w, group_a, 1, 100, 0)->messages[0]->v1->created_ns;
    world_restart(&w);
    send_message(&w, group_a, APPLICATION, "2");
    reply = query(&w, group_a, 1, 100, 0);
    assert_int_equal(reply->n_messages, 2);
    assert_true(reply->messages[0]->v1->created_ns == before);
    assert_true(reply->messages[1]->v1->created_ns > before);
    assert_int_equal(reply->messages[1]->v1->id, 3);
    world_close(&w);
}

static void concurrent_publishes_share_transactions(void **state)
{
    enum { N = 500 };
    struct buf *requests = xm_calloc(N, sizeof *requests);
    struct world_calls calls;
    struct world w;
    int i;

    (void)state;
    world_open(&w, NULL);
    for (i = 0; i < N; i++)
        make_send_request(&requests[i], group_a, APPLICATION, &i, sizeof i);
    world_calls_start(&calls, &w, PROTO_MLS_SEND_GROUP_MESSAGES, requests, N);
    world_calls_wait(&calls);
    assert_int_equal(query(&w, group_a, 2, 1, 0)->messages[0]->v1->id, N + 1);
    assert_true(node_transactions(w.node) < N / 5);
    for (i = 0; i < N; i++)
        buf_free(&requests[i]);
    xm_free(requests);
    world_close(&w);
}

/* ---- What was answered is on the disk ---- */

/* Counts how often a write-ahead log was brought to the disk, and when: the database's own way to files, with one
 * function put in between. */
static sqlite3_vfs counting;
static const sqlite3_vfs *plain;
static const sqlite3_io_methods *wal_methods;
static sqlite3_io_methods counted_methods;
static atomic_uint syncs;

static int count_sync(sqlite3_file *file, int flags)
{
    atomic_fetch_add(&syncs, 1);
    return wal_methods->xSync(file, flags);
}

static int open_counted(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    int r = plain->xOpen(vfs, name, file, flags, out_flags);

    if (r != SQLITE_OK || !(flags & SQLITE_OPEN_WAL))
        return r;
    wal_methods = file->pMethods;
    counted_methods = *wal_methods;
    counted_methods.xSync = count_sync;
    file->pMethods = &counted_methods;
    return r;
}

static void every_answer_comes_after_the_disk_has_it(void **state)
{
    struct world w;
    unsigned before;
    int i;

    (void)state;
    plain = sqlite3_vfs_find(NULL);
    counting = *plain;
    counting.zName = "counting";
    counting.xOpen = open_counted;
    assert_int_equal(sqlite3_vfs_register(&counting, 1), SQLITE_OK);
    world_open(&w, NULL);
    for (i = 0; i < 5; i++) {
        char mark[] = {(char)('a' + i), 0};

        before = atomic_load(&syncs);
        assert_int_equal(send_message(&w, group_a, APPLICATION, mark), GRPC_OK);
        assert_true(atomic_load(&syncs) > before);
    }
    world_close(&w);
    sqlite3_vfs_unregister(&counting);
}

static void count_outcome(void *ctx, const struct grpc_outcome *outcome)
{
    size_t *ends = ctx;

    (void)outcome;
    ++*ends;
}

/* Stopped at different moments of a transaction; whoever was answered with OK finds it later. */
static void a_node_may_be_stopped_while_it_stores(void **state)
{
    enum { N = 50, ROUNDS = 20 };
    struct buf requests[N] = {{0}};
    struct grpc_call *call;
    struct world w;
    size_t ends;
    int round, i;

    (void)state;
    world_open(&w, NULL);
    for (round = 0; round < ROUNDS; round++) {
        ends = 0;
        for (i = 0; i < N; i++) {
            int mark[] = {round, i};

            buf_reset(&requests[i]);
            make_send_request(&requests[i], group_a, APPLICATION, mark, sizeof mark);
            assert_int_equal(grpc_unary(w.client, proto_method_info(PROTO_MLS_SEND_GROUP_MESSAGES)->path,
                                        buf_slice(&requests[i]), 0, count_outcome, &ends, &call, NULL),
                             0);
        }
        for (i = 0; i < round; i++)
            uv_run(&w.loop, UV_RUN_NOWAIT);
        world_restart(&w);
        assert_int_equal(ends, N);
    }
    assert_int_equal(send_message(&w, group_a, APPLICATION, "and goes on"), GRPC_OK);
    for (i = 0; i < N; i++)
        buf_free(&requests[i]);
    world_close(&w);
}

static void over_a_rate_a_request_is_refused_and_the_next_second_is_not(void **state)
{
    struct node_limits limits = {.publishes_per_s = 2}; /* ten at once */
    struct world w;
    int i;

    (void)state;
    world_open(&w, &limits);
    for (i = 0; i < 10; i++)
        assert_int_equal(send_message(&w, group_a, APPLICATION, "same"), GRPC_OK);
    assert_int_equal(send_message(&w, group_a, APPLICATION, "same"), GRPC_RESOURCE_EXHAUSTED);
    assert_int_equal(query(&w, group_a, 1, 100, 0)->n_messages, 1); /* reading goes on */
    do
        send_message(&w, group_a, APPLICATION, "same");
    while (w.status == GRPC_RESOURCE_EXHAUSTED); /* until the bucket has one again */
    assert_int_equal(w.status, GRPC_OK);
    world_close(&w);
}

static void what_one_request_publishes_counts_one_by_one(void **state)
{
    struct node_limits limits = {.publishes_per_s = 2}; /* ten at once */
    struct buf request = BUF_INIT;
    struct world w;
    int i;

    (void)state;
    for (i = 0; i < 9; i++)
        make_send_request(&request, group_a, APPLICATION, &i, sizeof i); /* requests in a row are one */
    world_open(&w, &limits);
    assert_int_equal(world_call_bytes(&w, proto_method_info(PROTO_MLS_SEND_GROUP_MESSAGES)->path, buf_slice(&request),
                                      NULL),
                     GRPC_OK);
    assert_int_equal(world_call_bytes(&w, proto_method_info(PROTO_MLS_SEND_GROUP_MESSAGES)->path, buf_slice(&request),
                                      NULL),
                     GRPC_RESOURCE_EXHAUSTED);
    assert_string_equal(w.text, "more than 2 publishes a second: try again later");
    buf_free(&request);
    world_close(&w);
}

static void requests_have_a_rate_of_their_own(void **state)
{
    struct node_limits limits = {.requests_per_s = 1}; /* five at once */
    struct world w;
    int i;

    (void)state;
    world_open(&w, &limits);
    for (i = 0; i < 5; i++)
        query(&w, group_a, 1, 100, 0);
    assert_int_equal(world_call_bytes(&w, "/grpc.health.v1.Health/Check", slice_of(NULL, 0), NULL),
                     GRPC_RESOURCE_EXHAUSTED);
    assert_string_equal(w.text, "more than 1 requests a second: try again later");
    world_close(&w);
}

static void the_limit_on_one_request_is_the_servers(void **state)
{
    struct node_limits limits = {.max_message = 1000};
    char *text = large_text(1000, 'x');
    struct world w;

    (void)state;
    world_open(&w, &limits);
    assert_int_equal(send_message(&w, group_a, APPLICATION, text), GRPC_RESOURCE_EXHAUSTED);
    text[500] = 0;
    assert_int_equal(send_message(&w, group_a, APPLICATION, text), GRPC_OK);
    xm_free(text);
    world_close(&w);
}

/* ---- What waits to be stored ---- */

/* Every thread of the pool busy, so that no transaction begins.  They give up by themselves when the test has
 * failed, which would never end otherwise. */
enum { POOL_THREADS = 4 /* libuv's default */, GIVE_UP_S = 30 };

struct blocked {
    uv_work_t work[POOL_THREADS];
    uv_mutex_t lock;
    uv_cond_t change;
    bool go;
};

static void block_thread(uv_work_t *work)
{
    struct blocked *b = work->data;

    uv_mutex_lock(&b->lock);
    while (!b->go && uv_cond_timedwait(&b->change, &b->lock, GIVE_UP_S * UINT64_C(1000000000)) == 0)
        ;
    uv_mutex_unlock(&b->lock);
}

static void block_pool(struct world *w, struct blocked *b)
{
    int i;

    b->go = false;
    uv_mutex_init(&b->lock);
    uv_cond_init(&b->change);
    for (i = 0; i < POOL_THREADS; i++) {
        b->work[i].data = b;
        uv_queue_work(&w->loop, &b->work[i], block_thread, NULL);
    }
}

static void unblock_pool(struct blocked *b)
{
    uv_mutex_lock(&b->lock);
    b->go = true;
    uv_cond_broadcast(&b->change);
    uv_mutex_unlock(&b->lock);
}

/* After the loop has heard of their end. */
static void forget_blocked(struct blocked *b)
{
    uv_cond_destroy(&b->change);
    uv_mutex_destroy(&b->lock);
}

struct ending {
    bool ended;
    int status;
    char text[128];
};

static void note_ending(void *ctx, const struct grpc_outcome *outcome)
{
    struct ending *e = ctx;

    e->ended = true;
    e->status = outcome->status;
    snprintf(e->text, sizeof e->text, "%s", outcome->message);
}

/* A message with fields that nobody knows: two bytes each, and forty in memory. */
static void start_greedy_send(struct world *w, uint8_t mark, struct ending *ending)
{
    enum { FIELDS = 50 * 1000 };
    struct buf request = BUF_INIT;
    struct grpc_call *call;
    int i;

    *ending = (struct ending){0};
    make_send_request(&request, group_a, APPLICATION, &mark, sizeof mark);
    for (i = 0; i < FIELDS; i++)
        buf_put_u16(&request, 0x7800); /* field 15, 0 */
    assert_int_equal(grpc_unary(w->client, proto_method_info(PROTO_MLS_SEND_GROUP_MESSAGES)->path, buf_slice(&request),
                                0, note_ending, ending, &call, NULL),
                     0);
    buf_free(&request);
}

static void what_is_not_stored_yet_is_bounded_by_the_memory_it_takes(void **state)
{
    struct node_limits limits = {.max_pending_bytes = 1024 * 1024};
    static struct blocked blocked; /* its threads outlive a test that failed */
    struct ending first, second;
    struct world w;

    (void)state;
    world_open(&w, &limits);
    block_pool(&w, &blocked);
    start_greedy_send(&w, 1, &first);
    /* The transaction begins in the round after the one that brought the message, so before a second answer. */
    query(&w, group_a, 1, 100, 0);
    query(&w, group_a, 1, 100, 0);
    start_greedy_send(&w, 2, &second);
    world_until(&w, &second.ended);
    assert_int_equal(second.status, GRPC_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(second.text, "bytes wait to be stored already"));
    assert_false(first.ended);
    unblock_pool(&blocked);
    world_until(&w, &first.ended);
    assert_int_equal(first.status, GRPC_OK);
    assert_int_equal(query(&w, group_a, 1, 100, 0)->n_messages, 1);
    start_greedy_send(&w, 2, &second);
    world_until(&w, &second.ended);
    assert_int_equal(second.status, GRPC_OK);
    world_close(&w);
    forget_blocked(&blocked);
}

static void raise_flag(void *ctx)
{
    *(bool *)ctx = true;
}

static void on_alarm(uv_timer_t *timer)
{
    raise_flag(timer->data);
}

static void a_node_ends_when_idle_and_not_while_a_client_is_connected(void **state)
{
    enum { IDLE_MS = 100 };
    bool idle = false, waited = false;
    uv_timer_t alarm;
    struct world w;

    (void)state;
    world_open(&w, NULL);
    w.config.idle_exit_ms = IDLE_MS;
    w.config.on_idle = raise_flag;
    w.config.ctx = &idle;
    world_restart(&w);
    assert_int_equal(send_message(&w, group_a, APPLICATION, "x"), GRPC_OK);
    idle = false; /* on a slow machine the client came late */
    uv_timer_init(&w.loop, &alarm);
    alarm.data = &waited;
    uv_timer_start(&alarm, on_alarm, 3 * IDLE_MS, 0);
    world_until(&w, &waited);
    assert_false(idle);
    world_stop_client(&w);
    world_until(&w, &idle);
    uv_close((uv_handle_t *)&alarm, NULL);
    world_close(&w);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_comes_back_as_it_was_sent),
        cmocka_unit_test(a_repeated_send_is_one_row),
        cmocka_unit_test(what_is_no_group_message_is_refused_and_nothing_of_its_request_kept),
        cmocka_unit_test(pages_follow_the_rules_of_the_network),
        cmocka_unit_test(the_newest_message_of_each_group_in_order),
        cmocka_unit_test(both_kinds_of_welcome_share_ids_and_come_back_in_order),
        cmocka_unit_test(one_bad_welcome_refuses_the_whole_request),
        cmocka_unit_test(the_same_welcome_for_two_installations_is_two),
        cmocka_unit_test(key_packages_are_replaced_and_fetched_in_the_order_asked),
        cmocka_unit_test(a_damaged_key_package_is_refused),
        cmocka_unit_test(a_key_package_that_would_crowd_out_others_is_refused),
        cmocka_unit_test(registering_is_uploading_and_tells_the_installation),
        cmocka_unit_test(a_key_package_with_unknown_welcome_extensions_is_taken),
        cmocka_unit_test(the_commit_log_keeps_its_limits_and_its_order),
        cmocka_unit_test(a_page_is_cut_where_no_client_could_read_more),
        cmocka_unit_test(commit_logs_are_cut_where_no_client_could_read_more),
        cmocka_unit_test(methods_that_are_not_there_answer_unimplemented),
        cmocka_unit_test(bytes_that_are_no_request_are_refused_by_every_method),
        cmocka_unit_test(lists_of_more_than_ten_thousand_are_refused),
        cmocka_unit_test(an_answer_that_no_client_could_read_is_not_sent),
        cmocka_unit_test(the_node_says_that_it_is_well),
        cmocka_unit_test(time_never_goes_back_though_the_clock_does),
        cmocka_unit_test(everything_is_there_after_a_restart_and_time_goes_on),
        cmocka_unit_test(concurrent_publishes_share_transactions),
        cmocka_unit_test(every_answer_comes_after_the_disk_has_it),
        cmocka_unit_test(a_node_may_be_stopped_while_it_stores),
        cmocka_unit_test(over_a_rate_a_request_is_refused_and_the_next_second_is_not),
        cmocka_unit_test(what_one_request_publishes_counts_one_by_one),
        cmocka_unit_test(requests_have_a_rate_of_their_own),
        cmocka_unit_test(the_limit_on_one_request_is_the_servers),
        cmocka_unit_test(what_is_not_stored_yet_is_bounded_by_the_memory_it_takes),
        cmocka_unit_test(a_node_ends_when_idle_and_not_while_a_client_is_connected),
    };

    if (argc > 1) /* one test by name, for debugging */
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
