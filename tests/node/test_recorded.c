/* What the reference client sent to a node of the network, sent to ours, and read back. */
#include "base/clock.h"
#include "base/err.h"
#include "net/status.h"
#include "node/framing.h"
#include "proto/wire.h"
#include "proto/xmtp_identity_api.pb-c.h"
#include "proto/xmtp_mls_api.pb-c.h"
#include "tests/identity/vectors.h"
#include "tests/node/world.h"

#include <string.h>

#include "tests/test.h"

static int64_t fixed_now(void *ctx)
{
    return *(int64_t *)ctx;
}

static uint64_t no_monotonic(void *ctx)
{
    (void)ctx;
    return 0;
}

static int64_t recording_ns = INT64_C(1795383900) * NS_PER_S, later_ns = INT64_C(1826919900) * NS_PER_S;
static const struct clock at_recording = {fixed_now, no_monotonic, &recording_ns};
static const struct clock a_year_later = {fixed_now, no_monotonic, &later_ns};

/* The log of one inbox as it is in the reply's bytes: `update` is in there unchanged. */
static bool log_has(struct world *w, const char *inbox_id, struct slice update)
{
    struct buf request = BUF_INIT;
    struct bytes reply = {0};
    struct slice response, log, stored;
    struct reader r;
    struct wire_field f;
    bool found = false;

    wire_put_head(&request, 1, wire_size_bytes(1, INBOX_ID_LEN));
    wire_put_bytes(&request, 1, slice_str(inbox_id));
    assert_int_equal(world_call_bytes(w, proto_method_info(PROTO_IDENTITY_GET_IDENTITY_UPDATES)->path,
                                      buf_slice(&request), &reply),
                     GRPC_OK);
    assert_true(wire_find(bytes_slice(&reply), 1, &response));
    r = reader_of(response);
    while (wire_next(&r, &f)) {
        if (f.number != 2)
            continue;
        log = f.bytes;
        assert_true(wire_find(log, 3, &stored));
        found |= slice_eq(stored, update);
    }
    buf_free(&request);
    bytes_free(&reply);
    return found;
}

static void identity_updates_are_taken_in_order_and_once(void **state)
{
    struct vectors v;
    struct world w;
    size_t i;

    (void)state;
    vectors_load(&v);
    assert_int_equal(v.n, 8);
    world_open_at(&w, &at_recording);
    /* A later update of an inbox that is not there yet. */
    assert_int_equal(publish_update(&w, v.update[v.n - 1].data), GRPC_INVALID_ARGUMENT);
    for (i = 0; i < v.n; i++) {
        if (publish_update(&w, v.update[i].data) != GRPC_OK)
            fail_msg("update %zu: %s", i + 1, w.text);
        assert_true(log_has(&w, v.update[i].inbox_id, v.update[i].data));
        assert_int_equal(publish_update(&w, v.update[i].data), GRPC_INVALID_ARGUMENT);
    }
    world_close(&w);
    vectors_free(&v);
}

static void key_packages_are_taken_while_they_are_valid(void **state)
{
    json_t *list = vectors_file("key-packages.json");
    struct world now, later;
    size_t i;

    (void)state;
    assert_true(json_array_size(list) >= 12);
    world_open_at(&now, &at_recording);
    world_open_at(&later, &a_year_later);
    for (i = 0; i < json_array_size(list); i++) {
        struct bytes kp = vectors_hex(json_array_get(list, i), "keyPackage");

        if (upload_key_package(&now, bytes_slice(&kp)) != GRPC_OK)
            fail_msg("key package %zu: %s", i, now.text);
        assert_int_equal(upload_key_package(&later, bytes_slice(&kp)), GRPC_INVALID_ARGUMENT);
        bytes_free(&kp);
    }
    world_close(&now);
    world_close(&later);
    json_decref(list);
}

static void check_message(const json_t *message, struct slice group_id, struct slice data)
{
    struct framing framing;
    size_t len;

    assert_int_equal(framing_parse(data, &framing, NULL), 0);
    assert_true(slice_eq(framing.group_id, group_id));
    assert_int_equal(framing.is_commit,
                     strcmp(json_string_value(json_object_get(message, "contentType")), "commit") == 0);
    assert_int_equal(framing.epoch, strtoull(json_string_value(json_object_get(message, "epoch")), NULL, 10));
    for (len = 0; len < data.len; len++)
        assert_int_equal(framing_parse(slice_of(data.data, len), &framing, NULL), ERR_MALFORMED);
}

static void group_messages_are_taken_and_read_back(void **state)
{
    json_t *groups = vectors_file("group-messages.json");
    size_t g, i, seen = 0;
    struct world w;

    (void)state;
    world_open_at(&w, &at_recording);
    for (g = 0; g < json_array_size(groups); g++) {
        const json_t *group = json_array_get(groups, g), *messages = json_object_get(group, "messages");
        Xmtp__Mls__Api__V1__QueryGroupMessagesRequest request = XMTP__MLS__API__V1__QUERY_GROUP_MESSAGES_REQUEST__INIT;
        Xmtp__Mls__Api__V1__PagingInfo paging = XMTP__MLS__API__V1__PAGING_INFO__INIT;
        Xmtp__Mls__Api__V1__QueryGroupMessagesResponse *reply;
        struct bytes group_id = vectors_hex(group, "group");

        for (i = 0; i < json_array_size(messages); i++) {
            struct bytes data = vectors_hex(json_array_get(messages, i), "data");
            struct buf send = BUF_INIT, v1 = BUF_INIT;

            check_message(json_array_get(messages, i), bytes_slice(&group_id), bytes_slice(&data));
            wire_put_bytes(&v1, 1, bytes_slice(&data));
            wire_put_head(&send, 1, wire_size_message(1, v1.len));
            wire_put_message(&send, 1, buf_slice(&v1));
            if (world_call_bytes(&w, proto_method_info(PROTO_MLS_SEND_GROUP_MESSAGES)->path, buf_slice(&send), NULL) !=
                GRPC_OK)
                fail_msg("message %zu: %s", i, w.text);
            bytes_free(&data);
            buf_free(&v1);
            buf_free(&send);
        }
        paging.direction = XMTP__MLS__API__V1__SORT_DIRECTION__SORT_DIRECTION_ASCENDING;
        request.group_id = proto_bytes(bytes_slice(&group_id));
        request.paging_info = &paging;
        assert_int_equal(world_call(&w, PROTO_MLS_QUERY_GROUP_MESSAGES, &request, &reply), GRPC_OK);
        assert_int_equal(reply->n_messages, json_array_size(messages));
        for (i = 0; i < reply->n_messages; i++) {
            struct bytes data = vectors_hex(json_array_get(messages, i), "data");

            assert_true(slice_eq(proto_slice(reply->messages[i]->v1->data), bytes_slice(&data)));
            bytes_free(&data);
            seen++;
        }
        bytes_free(&group_id);
    }
    assert_int_equal(seen, 66);
    world_close(&w);
    json_decref(groups);
}

/* Our schema knows every field of them: what is unpacked packs to the same bytes. */
static void recorded_contents_pack_to_the_same_bytes(void **state)
{
    json_t *groups = vectors_file("group-messages.json"), *message, *plaintexts, *one, *plain;
    struct proto_arena arena = PROTO_ARENA_INIT;
    struct buf again = BUF_INIT;
    size_t g, m, p, seen = 0;

    (void)state;
    json_array_foreach(groups, g, one) {
        json_array_foreach(json_object_get(one, "messages"), m, message) {
            plaintexts = json_object_get(message, "plaintexts");
            json_array_foreach(plaintexts, p, plain) {
                Xmtp__Mls__MessageContents__EncodedContent *content;
                struct bytes bytes;

                if (json_string_value(json_object_get(plain, "encodedContent")) == NULL)
                    continue;
                bytes = vectors_hex(plain, "encodedContent");
                proto_arena_reset(&arena);
                buf_reset(&again);
                assert_int_equal(proto_unpack(&xmtp__mls__message_contents__encoded_content__descriptor,
                                              bytes_slice(&bytes), &arena, &content, NULL),
                                 0);
                assert_int_equal(content->base.n_unknown_fields, 0);
                proto_pack(&again, content);
                assert_true(slice_eq(buf_slice(&again), bytes_slice(&bytes)));
                seen++;
                bytes_free(&bytes);
            }
        }
    }
    assert_true(seen > 50);
    buf_free(&again);
    proto_arena_free(&arena);
    json_decref(groups);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identity_updates_are_taken_in_order_and_once),
        cmocka_unit_test(key_packages_are_taken_while_they_are_valid),
        cmocka_unit_test(group_messages_are_taken_and_read_back),
        cmocka_unit_test(recorded_contents_pack_to_the_same_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
