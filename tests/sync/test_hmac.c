#include "tests/test.h"

#include "crypto/hash.h"
#include "base/hex.h"
#include "sync/hmac.h"
#include "tests/sync/home.h"
#include "tests/vectors.h"

#include <stdlib.h>

static void a_period_is_thirty_days(void **state)
{
    (void)state;
    assert_int_equal(hmac_period(0), 0);
    assert_int_equal(hmac_period(INT64_C(2592000) * NS_PER_S - 1), 0);
    assert_int_equal(hmac_period(INT64_C(2592000) * NS_PER_S), 1);
}

/* bo's root key never changed in the recording, so every key of bo's must come out. */
static void derives_the_keys_that_libxmtp_derived(void **state)
{
    json_t *hmac = vectors_load("hmac.json"), *of_bo, *keys, *key;
    struct bytes root =
        vectors_hex(json_object_get(json_object_get(json_object_get(hmac, "userPreferenceKeys"), "bo"), "hmacKey"));
    const char *group;
    size_t i, checked = 0;

    (void)state;
    of_bo = json_object_get(json_object_get(hmac, "conversationKeys"), "bo");
    json_object_foreach(of_bo, group, keys) {
        uint8_t id[16], out[HMAC_KEY_LEN];

        assert_true(hex_decode(group, strlen(group), id, sizeof id));
        json_array_foreach(keys, i, key) {
            struct bytes want = vectors_hex(json_object_get(key, "key"));

            hmac_derive(root.data, id, strtoll(json_string_value(json_object_get(key, "epoch")), NULL, 10), out);
            assert_int_equal(want.len, HMAC_KEY_LEN);
            assert_memory_equal(out, want.data, HMAC_KEY_LEN);
            bytes_free(&want);
            checked++;
        }
    }
    assert_true(checked >= 3);
    bytes_free(&root);
    json_decref(hmac);
}

/* The senderHmac of bo's own messages, commits included, recomputed from what was on the wire. */
static void a_senders_hmac_covers_the_bytes_published(void **state)
{
    json_t *hmac = vectors_load("hmac.json"), *groups = vectors_load("group-messages.json"), *group, *message;
    struct bytes root =
        vectors_hex(json_object_get(json_object_get(json_object_get(hmac, "userPreferenceKeys"), "bo"), "hmacKey"));
    size_t i, k, checked = 0;

    (void)state;
    json_array_foreach(groups, i, group) {
        struct bytes id = vectors_hex(json_object_get(group, "group"));

        json_array_foreach(json_object_get(group, "messages"), k, message) {
            uint8_t key[HMAC_KEY_LEN], out[32];
            struct bytes data, want;

            if (strcmp(json_string_value(json_object_get(message, "by")), "bo") != 0)
                continue;
            data = vectors_hex(json_object_get(message, "data"));
            want = vectors_hex(json_object_get(message, "senderHmac"));
            hmac_derive(root.data, id.data,
                        hmac_period(strtoll(json_string_value(json_object_get(message, "createdNs")), NULL, 10)), key);
            hmac_sha256(slice_of(key, sizeof key), bytes_slice(&data), out);
            assert_memory_equal(out, want.data, 32);
            checked++;
            bytes_free(&data);
            bytes_free(&want);
        }
        bytes_free(&id);
    }
    assert_true(checked >= 5);
    bytes_free(&root);
    json_decref(hmac);
    json_decref(groups);
}

static void the_newest_root_key_wins_and_is_used_at_once(void **state)
{
    uint8_t first[HMAC_ROOT_LEN], got[HMAC_ROOT_LEN], newer[HMAC_ROOT_LEN], older[HMAC_ROOT_LEN], group[16] = {3};
    uint8_t before[32], after[32];
    struct home home;

    (void)state;
    home_open(&home);
    memset(newer, 1, sizeof newer);
    memset(older, 2, sizeof older);
    assert_int_equal(hmac_root(&home.core, first, NULL), 0);
    assert_int_equal(hmac_sender(&home.core, group, slice_str("data"), before, NULL), 0);

    assert_int_equal(core_begin(&home.core, false, NULL), 0);
    assert_int_equal(hmac_receive_root(&home.core, newer, home.now_ns + 10, NULL), 0);
    assert_int_equal(hmac_receive_root(&home.core, older, home.now_ns + 5, NULL), 0);
    assert_int_equal(core_commit(&home.core, NULL), 0);

    assert_int_equal(hmac_root(&home.core, got, NULL), 0);
    assert_memory_equal(got, newer, sizeof got);
    assert_int_equal(hmac_sender(&home.core, group, slice_str("data"), after, NULL), 0);
    assert_memory_not_equal(before, after, 32);
    assert_int_equal(home.n_events, 1);
    assert_int_equal(home.events[0].kind, CORE_PREFERENCES);
    home_close(&home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_period_is_thirty_days),
        cmocka_unit_test(derives_the_keys_that_libxmtp_derived),
        cmocka_unit_test(a_senders_hmac_covers_the_bytes_published),
        cmocka_unit_test(the_newest_root_key_wins_and_is_used_at_once),
    };

    return cmocka_run_group_tests_name("hmac", tests, NULL, NULL);
}
