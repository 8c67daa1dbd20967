#include "config.h" /* memmem */

#include "proto/check.h"

#include "base/alloc.h"
#include "base/err.h"
#include "proto/wire.h"
#include "proto/xmtp_content_types.pb-c.h"
#include "proto/xmtp_identity_api.pb-c.h"
#include "proto/xmtp_mls_api.pb-c.h"
#include "proto/xmtp_mls_message_contents.pb-c.h"

#include "tests/test.h"

#define CONTENTS(name) &xmtp__mls__message_contents__##name##__descriptor
#define POLICY CONTENTS(membership_policy)

static int unpack(const ProtobufCMessageDescriptor *type, const void *bytes, size_t len, const char *text)
{
    struct proto_arena arena = PROTO_ARENA_INIT;
    struct err err = {0};
    ProtobufCMessage *msg;
    int r = proto_unpack(type, slice_of(bytes, len), &arena, &msg, &err);

    if (text != NULL)
        assert_non_null(strstr(err.text, text));
    proto_arena_free(&arena);
    return r;
}
#define UNPACK(type, bytes, text) unpack(type, bytes, sizeof(bytes) - 1, text)

/* ---- What comes back ---- */

static void an_encoded_content_survives_the_round_trip(void **state)
{
    Xmtp__Mls__MessageContents__ContentTypeId type = XMTP__MLS__MESSAGE_CONTENTS__CONTENT_TYPE_ID__INIT;
    Xmtp__Mls__MessageContents__EncodedContent__ParametersEntry entry =
        XMTP__MLS__MESSAGE_CONTENTS__ENCODED_CONTENT__PARAMETERS_ENTRY__INIT;
    Xmtp__Mls__MessageContents__EncodedContent__ParametersEntry *entries[] = {&entry};
    Xmtp__Mls__MessageContents__EncodedContent content = XMTP__MLS__MESSAGE_CONTENTS__ENCODED_CONTENT__INIT, *back;
    struct proto_arena arena = PROTO_ARENA_INIT;
    struct buf packed = BUF_INIT;

    (void)state;
    type.authority_id = (char *)(uintptr_t)"xmtp.org";
    type.type_id = (char *)(uintptr_t)"text";
    type.version_major = 1;
    entry.key = (char *)(uintptr_t)"encoding";
    entry.value = (char *)(uintptr_t)"UTF-8";
    content.type = &type;
    content.parameters = entries;
    content.n_parameters = 1;
    content.content = proto_bytes(slice_str("gm"));
    content._fallback_case = XMTP__MLS__MESSAGE_CONTENTS__ENCODED_CONTENT___FALLBACK_FALLBACK;
    content.fallback = (char *)(uintptr_t)"";
    proto_pack(&packed, &content);
    assert_true(buf_ok(&packed));
    /* The fallback is there although it is empty: that is what `optional` means. */
    assert_non_null(memmem(packed.data, packed.len, "\x1a\x00", 2));

    assert_int_equal(
        proto_unpack(CONTENTS(encoded_content), buf_slice(&packed), &arena, &back, NULL), 0);
    buf_free(&packed); /* nothing points into it */
    assert_string_equal(back->type->authority_id, "xmtp.org");
    assert_string_equal(back->type->type_id, "text");
    assert_int_equal(back->type->version_major, 1);
    assert_int_equal(back->n_parameters, 1);
    assert_string_equal(back->parameters[0]->key, "encoding");
    assert_string_equal(back->parameters[0]->value, "UTF-8");
    assert_true(slice_eq(proto_slice(back->content), slice_str("gm")));
    assert_int_equal(back->_fallback_case, XMTP__MLS__MESSAGE_CONTENTS__ENCODED_CONTENT___FALLBACK_FALLBACK);
    assert_string_equal(back->fallback, "");
    assert_int_equal(back->_compression_case, XMTP__MLS__MESSAGE_CONTENTS__ENCODED_CONTENT___COMPRESSION__NOT_SET);
    proto_arena_free(&arena);
}

static void no_bytes_are_a_message_with_defaults(void **state)
{
    struct proto_arena arena = PROTO_ARENA_INIT;
    Xmtp__Mls__Api__V1__PagingInfo *info;

    (void)state;
    assert_int_equal(proto_unpack(&xmtp__mls__api__v1__paging_info__descriptor, slice_of(NULL, 0), &arena, &info, NULL),
                     0);
    assert_int_equal(info->limit, 0);
    proto_arena_free(&arena);
}

static void unknown_fields_are_kept_and_packed_again(void **state)
{
    static const char bytes[] = "\x08\x01\x9a\x06\x03xyz\xa0\x06\x07";
    struct proto_arena arena = PROTO_ARENA_INIT;
    Xmtp__Mls__Api__V1__PagingInfo *info;
    struct buf again = BUF_INIT;

    (void)state;
    assert_int_equal(proto_unpack(&xmtp__mls__api__v1__paging_info__descriptor, slice_of(bytes, sizeof bytes - 1),
                                  &arena, &info, NULL),
                     0);
    proto_pack(&again, info);
    assert_true(slice_eq(buf_slice(&again), slice_of(bytes, sizeof bytes - 1)));
    buf_free(&again);
    proto_arena_free(&arena);
}

static void numbers_come_packed_or_one_by_one(void **state)
{
    static const char packed[] = "\x0a\x02\x03\x03", single[] = "\x08\x03\x08\x03";
    struct proto_arena arena = PROTO_ARENA_INIT;
    Xmtp__Mls__MessageContents__WelcomePointeeEncryptionAeadTypesExtension *a, *b;
    const ProtobufCMessageDescriptor *type = CONTENTS(welcome_pointee_encryption_aead_types_extension);

    (void)state;
    assert_int_equal(proto_unpack(type, slice_of(packed, sizeof packed - 1), &arena, &a, NULL), 0);
    assert_int_equal(proto_unpack(type, slice_of(single, sizeof single - 1), &arena, &b, NULL), 0);
    assert_int_equal(a->n_supported_aead_types, 2);
    assert_int_equal(b->n_supported_aead_types, 2);
    assert_int_equal(a->supported_aead_types[1], 3);
    assert_int_equal(b->supported_aead_types[1], 3);
    proto_arena_free(&arena);
    assert_int_equal(UNPACK(type, "\x0a\x01\x83", "damaged list"), ERR_MALFORMED);
}

/* ---- What is refused ---- */

/* MembershipPolicy within AndCondition within MembershipPolicy ... */
static void nest(struct buf *b, unsigned levels)
{
    struct buf inner = BUF_INIT, outer = BUF_INIT;
    unsigned i;

    for (i = 0; i < levels; i++) {
        buf_reset(&outer);
        wire_put_message(&outer, i % 2 == 0 ? 1 : 2, buf_slice(&inner));
        buf_reset(&inner);
        buf_put_slice(&inner, buf_slice(&outer));
    }
    buf_put_slice(b, buf_slice(&inner));
    buf_free(&inner);
    buf_free(&outer);
}

static void nesting_deeper_than_64_messages_is_refused(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    nest(&b, 62); /* 63 messages: an even number of wrappings ends in a policy */
    assert_int_equal(unpack(POLICY, b.data, b.len, NULL), 0);
    buf_reset(&b);
    nest(&b, 64);
    assert_int_equal(unpack(POLICY, b.data, b.len, "nested too deeply"), ERR_TOOBIG);
    buf_reset(&b);
    nest(&b, 8000); /* protobuf-c alone overflows the stack a little above */
    assert_int_equal(unpack(POLICY, b.data, b.len, "nested too deeply"), ERR_TOOBIG);
    buf_free(&b);
}

static void strings_are_utf8_without_nul(void **state)
{
    const ProtobufCMessageDescriptor *type = CONTENTS(inbox);

    (void)state;
    assert_int_equal(UNPACK(type, "\x0a\x03\xe2\x82\xac", NULL), 0);
    assert_int_equal(UNPACK(type, "\x0a\x02\xc0\x80", "not UTF-8"), ERR_MALFORMED);
    assert_int_equal(UNPACK(type, "\x0a\x03"
                                  "a\0b",
                            "NUL"),
                     ERR_MALFORMED);
}

/* In a string of the message itself and of one inside, beside fields that nobody knows. */
static void a_nul_may_be_let_through_and_comes_out_again(void **state)
{
    static const char bytes[] = "\x12\x0c\x0a\x03"
                                "a\0b\x0a\x01"
                                "a\x12\x02\0\0\x1a\x00\xa2\x06\x03n\0w";
    struct proto_limits limits = proto_limits_default;
    struct proto_arena arena = PROTO_ARENA_INIT;
    Xmtp__Mls__MessageContents__GroupMutableMetadataV1 *m;
    struct slice shown;
    struct buf out = BUF_INIT;

    (void)state;
    limits.allow_nul = true;
    assert_int_equal(proto_unpack_within(CONTENTS(group_mutable_metadata_v1), slice_of(bytes, sizeof bytes - 1),
                                         &limits, &arena, &m, NULL),
                     0);
    assert_int_equal(m->admin_list->n_inbox_ids, 2);
    assert_string_equal(m->admin_list->inbox_ids[0], "a" PROTO_NUL "b");
    assert_string_equal(m->admin_list->inbox_ids[1], "a");
    assert_int_equal(m->admin_list->base.n_unknown_fields, 1);
    assert_memory_equal(m->admin_list->base.unknown_fields[0].data, "\x02\0\0", 3);
    assert_int_equal(m->base.n_unknown_fields, 1);
    assert_memory_equal(m->base.unknown_fields[0].data, "\x03n\0w", 4);
    assert_int_equal(proto_string_len(m->admin_list->inbox_ids[0]), 3);
    shown = proto_string_shown(m->admin_list->inbox_ids[0]);
    assert_int_equal(shown.len, 1);
    proto_put_string(&out, m->admin_list->inbox_ids[0]);
    proto_put_string(&out, PROTO_NUL PROTO_NUL "c");
    proto_put_string(&out, "");
    assert_int_equal(out.len, 6);
    assert_memory_equal(out.data, "a\0b\0\0c", 6);
    buf_free(&out);
    proto_arena_free(&arena);
}

/* All of NULs: the memory that the check has counted is what unpacking takes. */
static void a_string_of_nuls_fits_what_was_counted(void **state)
{
    static char bytes[2 + 3 + 5000] = "\x0a\x88\x27";
    struct proto_limits limits = proto_limits_default;
    struct proto_arena arena = PROTO_ARENA_INIT;
    Xmtp__Mls__MessageContents__Inbox *inbox;

    (void)state;
    limits.allow_nul = true;
    assert_int_equal(
        proto_unpack_within(CONTENTS(inbox), slice_of(bytes, 3 + 5000), &limits, &arena, &inbox, NULL), 0);
    assert_int_equal(strlen(inbox->inbox_id), 10000);
    assert_int_equal(proto_string_len(inbox->inbox_id), 5000);
    proto_arena_free(&arena);
}

static void other_wire_types_than_the_schema_are_refused(void **state)
{
    (void)state;
    assert_int_equal(UNPACK(CONTENTS(inbox), "\x08\x01", "another type"), ERR_MALFORMED);
    assert_int_equal(UNPACK(CONTENTS(content_type_id), "\x1a\x01\x01", "another type"), ERR_MALFORMED);
    assert_int_equal(UNPACK(CONTENTS(group_mutable_metadata_v1), "\x10\x01", "another type"), ERR_MALFORMED);
}

static void a_sub_message_that_comes_twice_is_refused(void **state)
{
    (void)state;
    assert_int_equal(UNPACK(CONTENTS(group_mutable_metadata_v1), "\x12\x00\x1a\x00", NULL), 0);
    assert_int_equal(UNPACK(CONTENTS(group_mutable_metadata_v1), "\x12\x00\x12\x00", "twice"), ERR_MALFORMED);
    /* In a oneof, where protobuf-c would drop the first. */
    assert_int_equal(UNPACK(CONTENTS(plaintext_envelope), "\x0a\x00\x12\x00\x0a\x00", "twice"), ERR_MALFORMED);
}

static void a_scalar_that_comes_twice_counts_as_it_came_last(void **state)
{
    static const char bytes[] = "\x10\x05\x10\x06";
    struct proto_arena arena = PROTO_ARENA_INIT;
    Xmtp__Mls__Api__V1__PagingInfo *info;

    (void)state;
    assert_int_equal(proto_unpack(&xmtp__mls__api__v1__paging_info__descriptor, slice_of(bytes, 4), &arena, &info, NULL),
                     0);
    assert_int_equal(info->limit, 6);
    proto_arena_free(&arena);
}

static void every_cut_of_a_message_is_refused_or_shorter(void **state)
{
    static const char whole[] = "\x0a\x04\x0a\x02hi\x12\x06\x0a\x01k\x12\x01v\x22\x02gm\x28\x01";
    size_t len, cut_inside = 0;

    (void)state;
    for (len = 0; len < sizeof whole - 1; len++) {
        int r = unpack(CONTENTS(encoded_content), whole, len, NULL);

        assert_true(r == 0 || r == ERR_MALFORMED);
        cut_inside += r != 0;
    }
    /* Only at the bounds of its four fields it is a message still. */
    assert_int_equal(cut_inside, sizeof whole - 1 - 4);
}

/* ---- Memory ---- */

static void empty_map_entries_do_not_amplify(void **state)
{
    enum { ENTRIES = 1 << 20 }; /* 2 MiB, which protobuf-c alone makes 126 MB of */
    uint8_t *bytes = xm_alloc(2 * ENTRIES);
    struct err err = {0};
    size_t i;

    (void)state;
    assert_non_null(bytes);
    for (i = 0; i < ENTRIES; i++)
        bytes[2 * i] = 0x0a;
    assert_int_equal(proto_check(CONTENTS(group_membership), slice_of(bytes, 2 * ENTRIES), &proto_limits_default, NULL,
                                 &err),
                     ERR_TOOBIG);
    assert_non_null(strstr(err.text, "too many elements"));
    xm_free(bytes);
}

static void memory_over_the_limit_is_refused_before_it_is_taken(void **state)
{
    static const char bytes[] = "\x0a\x08"
                                "12345678";
    struct proto_limits limits = proto_limits_default;
    struct proto_arena arena = PROTO_ARENA_INIT;
    Xmtp__Mls__MessageContents__Inbox *inbox;
    struct err err = {0};
    size_t memory = 0;

    (void)state;
    assert_int_equal(proto_check(CONTENTS(inbox), slice_of(bytes, sizeof bytes - 1), &limits, &memory, NULL), 0);
    limits.memory = memory - 1;
    assert_int_equal(
        proto_unpack_within(CONTENTS(inbox), slice_of(bytes, sizeof bytes - 1), &limits, &arena, &inbox, &err),
        ERR_TOOBIG);
    assert_null(arena.chunks);
    limits.memory = memory;
    assert_int_equal(
        proto_unpack_within(CONTENTS(inbox), slice_of(bytes, sizeof bytes - 1), &limits, &arena, &inbox, &err), 0);
    proto_arena_free(&arena);
}

/* The sum of the check has to cover what protobuf-c asks for, or good messages would fail: wide ones,
 * with many fields a message (notes come from the allocator then), many levels, and unknown fields. */
static void the_sum_covers_wide_messages(void **state)
{
    struct buf b = BUF_INIT;
    unsigned width, i;

    (void)state;
    for (width = 0; width < 600; width = width < 40 ? width + 1 : width + 97) {
        buf_reset(&b);
        for (i = 0; i < width; i++) {
            wire_put_message(&b, 1, slice_of("\x0a\x01k\x10\x07", 5)); /* member */
            wire_put_message(&b, 2, slice_of("inst", 4));              /* failed installation */
            wire_put_u64(&b, 100 + i, 7);                              /* unknown */
        }
        assert_int_equal(unpack(CONTENTS(group_membership), b.data, b.len, NULL), 0);
    }
    buf_free(&b);
}

static void one_message_is_one_allocation_and_a_reset_arena_needs_none(void **state)
{
    static const char bytes[] = "\x0a\x04\x0a\x02hi\x12\x06\x0a\x01k\x12\x01v\x22\x02gm";
    struct slice message = slice_of(bytes, sizeof bytes - 1);
    struct proto_arena arena = PROTO_ARENA_INIT;
    Xmtp__Mls__MessageContents__EncodedContent *content;

    (void)state;
    alloc_fail_after(2);
    assert_int_equal(proto_unpack(CONTENTS(encoded_content), message, &arena, &content, NULL), 0);
    proto_arena_reset(&arena);
    alloc_fail_after(1);
    assert_int_equal(proto_unpack(CONTENTS(encoded_content), message, &arena, &content, NULL), 0);
    assert_int_equal(proto_unpack(CONTENTS(encoded_content), message, &arena, &content, NULL), 0);
    alloc_fail_after(0);
    proto_arena_free(&arena);
}

static void without_memory_nothing_comes_out(void **state)
{
    struct proto_arena arena = PROTO_ARENA_INIT;
    Xmtp__Mls__MessageContents__Inbox *inbox = NULL;

    (void)state;
    alloc_fail_after(1);
    assert_int_equal(proto_unpack(CONTENTS(inbox), slice_str("\x0a\x01k"), &arena, &inbox, NULL), ERR_NOMEM);
    assert_null(inbox);
    proto_arena_free(&arena);
}

static void several_messages_live_in_one_arena(void **state)
{
    struct proto_arena arena = PROTO_ARENA_SECRET;
    Xmtp__Mls__MessageContents__Inbox *at[200];
    char bytes[3 + 100];
    size_t i;

    (void)state;
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, "\x0a\x64", 2);
    for (i = 0; i < 200; i++) {
        bytes[2] = (char)('0' + i % 10);
        assert_int_equal(proto_unpack(CONTENTS(inbox), slice_of(bytes, 102), &arena, &at[i], NULL), 0);
    }
    for (i = 0; i < 200; i++) {
        assert_int_equal(strlen(at[i]->inbox_id), 100);
        assert_int_equal(at[i]->inbox_id[0], '0' + i % 10);
    }
    proto_arena_reset(&arena);
    proto_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_encoded_content_survives_the_round_trip),
        cmocka_unit_test(no_bytes_are_a_message_with_defaults),
        cmocka_unit_test(unknown_fields_are_kept_and_packed_again),
        cmocka_unit_test(numbers_come_packed_or_one_by_one),
        cmocka_unit_test(nesting_deeper_than_64_messages_is_refused),
        cmocka_unit_test(strings_are_utf8_without_nul),
        cmocka_unit_test(a_nul_may_be_let_through_and_comes_out_again),
        cmocka_unit_test(a_string_of_nuls_fits_what_was_counted),
        cmocka_unit_test(other_wire_types_than_the_schema_are_refused),
        cmocka_unit_test(a_sub_message_that_comes_twice_is_refused),
        cmocka_unit_test(a_scalar_that_comes_twice_counts_as_it_came_last),
        cmocka_unit_test(every_cut_of_a_message_is_refused_or_shorter),
        cmocka_unit_test(empty_map_entries_do_not_amplify),
        cmocka_unit_test(memory_over_the_limit_is_refused_before_it_is_taken),
        cmocka_unit_test(the_sum_covers_wide_messages),
        cmocka_unit_test(one_message_is_one_allocation_and_a_reset_arena_needs_none),
        cmocka_unit_test(without_memory_nothing_comes_out),
        cmocka_unit_test(several_messages_live_in_one_arena),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
