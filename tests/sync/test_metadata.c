/* The extensions of real groups, read and written again to the byte. */
#include "tests/test.h"

#include "base/err.h"
#include "sync/metadata.h"
#include "tests/vectors.h"

#include <stdlib.h>

/* Calls `each` for every GroupContext extension in the recording of a client that joined. */
static void each_recorded(uint16_t type, void (*each)(struct slice data))
{
    json_t *file = vectors_load("x25519-welcome.json"), *entry, *conversation, *ext;
    size_t i, k, n, seen = 0;

    json_array_foreach(file, i, entry) {
        json_array_foreach(json_object_get(entry, "conversations"), k, conversation) {
            json_array_foreach(json_object_get(json_object_get(conversation, "joined"), "extensions"), n, ext) {
                struct bytes data;
                if (strtoul(json_string_value(json_object_get(ext, "type")), NULL, 16) != type)
                    continue;
                data = vectors_hex(json_object_get(ext, "data"));
                each(bytes_slice(&data));
                bytes_free(&data);
                seen++;
            }
        }
    }
    json_decref(file);
    assert_true(seen >= 4);
}

static void same(const struct buf *got, struct slice want)
{
    assert_true(buf_ok(got));
    assert_int_equal(got->len, want.len);
    assert_memory_equal(got->data, want.data, want.len);
}

/* No length but the whole is read as something else than an error or a shorter truth. */
#define CUT(decode, type, free_it)                                                                                  \
    for (size_t cut = 0; cut < data.len; cut++) {                                                                   \
        type part;                                                                                                  \
        struct err err = {0};                                                                                       \
        if (decode(slice_of(data.data, cut), &part, &err) == 0)                                                     \
            free_it(&part);                                                                                         \
        else                                                                                                        \
            assert_true(err.text[0] != 0);                                                                          \
    }

static void immutable_again(struct slice data)
{
    struct group_immutable m;
    struct buf b = BUF_INIT;

    assert_int_equal(group_immutable_decode(data, &m, NULL), 0);
    assert_int_equal(strlen(m.creator_inbox_id), 64);
    assert_true(m.type == CONVERSATION_DM ? m.dm_one && m.dm_two : !m.dm_one);
    group_immutable_encode(&m, &b);
    same(&b, data);
    group_immutable_free(&m);
    buf_free(&b);
    CUT(group_immutable_decode, struct group_immutable, group_immutable_free)
}

static void mutable_again(struct slice data)
{
    struct group_mutable m, copy;
    struct buf b = BUF_INIT;

    assert_int_equal(group_mutable_decode(data, &m, NULL), 0);
    assert_int_equal(strlen(group_attr_get(&m, "_commit_log_signer")), 64);
    assert_int_equal(group_mutable_dup(&m, &copy), 0);
    group_mutable_encode(&copy, &b);
    same(&b, data);
    group_mutable_free(&m);
    group_mutable_free(&copy);
    buf_free(&b);
    CUT(group_mutable_decode, struct group_mutable, group_mutable_free)
}

static void membership_again(struct slice data)
{
    struct group_membership m;
    struct buf b = BUF_INIT;

    assert_int_equal(group_membership_decode(data, &m, NULL), 0);
    assert_int_equal(m.n_members, 2);
    group_membership_encode(&m, &b);
    same(&b, data);
    group_membership_free(&m);
    buf_free(&b);
    CUT(group_membership_decode, struct group_membership, group_membership_free)
}

static void permissions_again(struct slice data)
{
    struct policy_set m;
    struct buf b = BUF_INIT;

    assert_int_equal(group_permissions_decode(data, &m, NULL), 0);
    assert_true(policy_set_name(&m) == PRESET_DM || policy_set_name(&m) == PRESET_ALL_MEMBERS);
    group_permissions_encode(&m, &b);
    same(&b, data);
    policy_set_free(&m);
    buf_free(&b);
    CUT(group_permissions_decode, struct policy_set, policy_set_free)
}

static void recorded_extensions_are_written_as_they_came(void **state)
{
    (void)state;
    each_recorded(EXT_IMMUTABLE_METADATA, immutable_again);
    each_recorded(EXT_MUTABLE_METADATA, mutable_again);
    each_recorded(EXT_GROUP_MEMBERSHIP, membership_again);
    each_recorded(EXT_GROUP_PERMISSIONS, permissions_again);
}

static int decode_mutable(const char *bytes, size_t len)
{
    struct group_mutable m = {0};
    int r = group_mutable_decode(slice_of(bytes, len), &m, NULL);

    group_mutable_free(&m);
    return r;
}

static void empty_lists_of_admins_have_to_be_there(void **state)
{
    (void)state;
    assert_int_equal(decode_mutable("\x12\x00\x1a\x00", 4), 0);
    assert_int_equal(decode_mutable("\x12\x00", 2), ERR_MALFORMED);
    assert_int_equal(decode_mutable("\x1a\x00", 2), ERR_MALFORMED);
}

static void fields_we_do_not_know_are_written_again(void **state)
{
    static const char raw[] = "\x12\x00\x1a\x00\xa2\x06\x03new";
    struct group_mutable m;
    struct buf b = BUF_INIT;

    (void)state;
    assert_int_equal(group_mutable_decode(slice_of(raw, sizeof raw - 1), &m, NULL), 0);
    group_mutable_encode(&m, &b);
    same(&b, slice_of(raw, sizeof raw - 1));
    group_mutable_free(&m);
    buf_free(&b);
}

/* A C string ends at a NUL, the other program's do not: "ab\0" and "ab" are two inboxes, two attributes, and what
 * came is written again as it came. */
static void what_differs_after_a_nul_is_not_the_same(void **state)
{
    static const char raw[] = "\x0a\x0c\x0a\x04" "na\0m" "\x12\x04" "a\0\0b"
                              "\x0a\x07\x0a\x02" "na" "\x12\x01" "v"
                              "\x12\x05\x0a\x03" "ab\0"
                              "\x1a\x0a\x0a\x02" "ab" "\x0a\x04" "ab\0x";
    struct group_mutable m, copy;
    struct buf b = BUF_INIT;
    struct err err = {0};

    (void)state;
    if (group_mutable_decode(slice_of(raw, sizeof raw - 1), &m, &err) != 0)
        fail_msg("%s", err.text);
    assert_false(inbox_list_has(&m.admins, "ab"));
    assert_true(inbox_list_has(&m.super_admins, "ab"));
    assert_int_equal(m.super_admins.n, 2);
    assert_int_equal(m.n_attrs, 2);
    assert_string_equal(group_attr_get(&m, "na"), "v");
    assert_int_equal(group_mutable_dup(&m, &copy), 0);
    group_mutable_encode(&copy, &b);
    same(&b, slice_of(raw, sizeof raw - 1));
    inbox_list_remove(&copy.super_admins, copy.super_admins.ids[0]);
    assert_int_equal(copy.super_admins.n, 1);
    assert_string_equal(copy.super_admins.ids[0], m.super_admins.ids[1]);
    group_mutable_free(&copy);
    group_mutable_free(&m);
    buf_free(&b);
}

/* As Rust reads an i64: all of it, or none. */
static void a_number_is_all_digits_or_none(void **state)
{
    static const struct {
        const char *text;
        int64_t number;
    } rows[] = {{"5", 5},           {"+5", 5},    {"-5", -5},  {"", 0},      {"-", 0},
                {" 5", 0},          {"5 ", 0},    {"5s", 0},   {"0x5", 0},   {"007", 7},
                {"5\xc0\x80", 0}, {"1_000", 0}, {"9223372036854775807", INT64_MAX},
                {"9223372036854775808", 0},       {"-9223372036854775808", INT64_MIN}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct group_mutable m = {0};

        assert_int_equal(group_attr_number(&m, "n"), 0);
        assert_int_equal(group_attr_set(&m, "n", rows[i].text), 0);
        assert_true(group_attr_number(&m, "n") == rows[i].number);
        group_mutable_free(&m);
    }
}

static void a_member_and_a_rule_are_named_to_the_last_byte(void **state)
{
    static const char members[] = "\x0a\x08\x0a\x04" "ab\0x" "\x10\x07" "\x0a\x06\x0a\x02" "ab" "\x10\x05";
    static const char rules[] = "\x0a\x28\x0a\x02\x08\x01\x12\x02\x08\x03"
                                "\x1a\x09\x0a\x03" "n\0x" "\x12\x02\x08\x02"
                                "\x1a\x07\x0a\x01" "n" "\x12\x02\x08\x01"
                                "\x22\x02\x08\x03\x2a\x02\x08\x03\x32\x02\x08\x03";
    struct group_membership m;
    struct policy_set set;
    struct buf b = BUF_INIT;

    (void)state;
    assert_int_equal(group_membership_decode(slice_of(members, sizeof members - 1), &m, NULL), 0);
    assert_int_equal(m.n_members, 2);
    assert_int_equal(group_membership_find(&m, "ab")->sequence_id, 5);
    group_membership_encode(&m, &b);
    same(&b, slice_of(members, sizeof members - 1));
    buf_reset(&b);
    assert_int_equal(group_permissions_decode(slice_of(rules, sizeof rules - 1), &set, NULL), 0);
    assert_int_equal(set.n_fields, 2);
    assert_true(policy_allows_field(&set, "n", (struct actor_rank){false, false}));
    group_permissions_encode(&set, &b);
    same(&b, slice_of(rules, sizeof rules - 1));
    group_membership_free(&m);
    policy_set_free(&set);
    buf_free(&b);
}

static void immutable_metadata_needs_its_inner_length(void **state)
{
    struct group_immutable m = {0};

    (void)state;
    assert_int_equal(group_immutable_decode(slice_of("\x02\x08\x01", 3), &m, NULL), 0);
    group_immutable_free(&m);
    assert_int_equal(group_immutable_decode(slice_of("\x08\x01", 2), &m, NULL), ERR_MALFORMED);
    assert_int_equal(group_immutable_decode(slice_of("\x02\x08\x01\x00", 4), &m, NULL), ERR_MALFORMED);
}

static int decode_policy(const char *bytes, size_t len)
{
    struct policy_set set = {0};
    int r = group_permissions_decode(slice_of(bytes, len), &set, NULL);

    policy_set_free(&set);
    return r;
}

static void every_policy_has_to_be_there_and_known(void **state)
{
    static const char good[] = "\x0a\x14\x0a\x02\x08\x01\x12\x02\x08\x03\x22\x02\x08\x03\x2a\x02\x08\x03\x32\x02\x08\x03";
    char bad[sizeof good];

    (void)state;
    assert_int_equal(decode_policy(good, sizeof good - 1), 0);
    memcpy(bad, good, sizeof bad);
    bad[5] = 0; /* adding members: no such policy */
    assert_int_equal(decode_policy(bad, sizeof bad - 1), ERR_MALFORMED);
    bad[5] = 5;
    assert_int_equal(decode_policy(bad, sizeof bad - 1), ERR_MALFORMED);
    memcpy(bad, good, sizeof bad);
    bad[13] = 4; /* roles know three numbers only */
    assert_int_equal(decode_policy(bad, sizeof bad - 1), ERR_MALFORMED);
    memcpy(bad, good, sizeof bad);
    bad[1] = 0x10; /* the last policy is cut off */
    assert_int_equal(decode_policy(bad, sizeof bad - 5), ERR_MALFORMED);
}

static void the_pair_of_a_dm_has_one_name(void **state)
{
    char one[140], other[140];

    (void)state;
    dm_id_of("bb", "aa", one);
    dm_id_of("aa", "bb", other);
    assert_string_equal(one, "dm:aa:bb");
    assert_string_equal(other, one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_extensions_are_written_as_they_came),
        cmocka_unit_test(empty_lists_of_admins_have_to_be_there),
        cmocka_unit_test(fields_we_do_not_know_are_written_again),
        cmocka_unit_test(what_differs_after_a_nul_is_not_the_same),
        cmocka_unit_test(a_number_is_all_digits_or_none),
        cmocka_unit_test(a_member_and_a_rule_are_named_to_the_last_byte),
        cmocka_unit_test(immutable_metadata_needs_its_inner_length),
        cmocka_unit_test(every_policy_has_to_be_there_and_known),
        cmocka_unit_test(the_pair_of_a_dm_has_one_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
