/* Key packages: the recorded ones of the real libxmtp (tests/vectors/key-packages.json), our own, and
 * what is refused. */
#include "tests/identity/vectors.h"
#include "tests/test.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/hex.h"
#include "crypto/crypto.h"
#include "crypto/ed25519.h"
#include "identity/key_package.h"
#include "proto/wire.h"

#include <stdlib.h>

static const char inbox_id[] = "c24caeaf198cef106e3ab9251bed63aafdb2eed4efe93f1f9acebee4cd705c35";
static struct ed25519_key installation;
#define NOW_S UINT64_C(1700000000)

static const struct slice anybody = {NULL, 0};

/* ---- As libxmtp made them ---- */

static void every_recorded_package_is_valid_and_says_what_was_recorded(void **state)
{
    json_t *all = vectors_file("key-packages.json");

    (void)state;
    assert_true(json_array_size(all) >= 5);
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *one = json_array_get(all, i);
        struct bytes data = vectors_hex(one, "keyPackage"), init = vectors_hex(one, "initKey"),
                     leaf = vectors_hex(one, "leafEncryptionKey"), who = vectors_hex(one, "installation");
        struct key_package_view v;
        enum key_package_fault fault;
        uint64_t made;

        assert_int_equal(mls_key_package_parse(bytes_slice(&data), &v.mls, NULL), 0);
        made = v.mls.leaf.not_before + KEY_PACKAGE_BACKDATE_S;
        assert_int_equal(v.mls.leaf.not_after, made + KEY_PACKAGE_LIFETIME_S);
        assert_int_equal(
            key_package_check(bytes_slice(&data), bytes_slice(&who), anybody, made, &v, &fault, NULL), 0);
        assert_int_equal(fault, KEY_PACKAGE_OK);
        assert_true(slice_eq(v.mls.init_key, bytes_slice(&init)));
        assert_true(slice_eq(v.mls.leaf.encryption_key, bytes_slice(&leaf)));
        assert_int_equal(v.wrapper, WELCOME_WRAPPER_XWING);
        assert_int_equal(v.wrapper_key.len, 1216);
        assert_true(v.has_pointee_aead);
        assert_int_equal(key_package_check(bytes_slice(&data), bytes_slice(&who), slice_str(v.inbox_id), made,
                                           &v, &fault, NULL),
                         0);
        assert_int_equal(
            key_package_check(bytes_slice(&data), bytes_slice(&init), anybody, made, &v, &fault, NULL),
            ERR_DENIED);
        assert_int_equal(fault, KEY_PACKAGE_INSTALLATION);
        assert_int_equal(
            key_package_check(bytes_slice(&data), anybody, slice_str(inbox_id), made, &v, &fault, NULL),
            ERR_DENIED);
        assert_int_equal(fault, KEY_PACKAGE_INBOX);
        bytes_free(&data);
        bytes_free(&init);
        bytes_free(&leaf);
        bytes_free(&who);
    }
    json_decref(all);
}

/* By init key, from the key stores of the recorded clients. */
static void every_recorded_reference_is_computed(void **state)
{
    json_t *all = vectors_file("key-packages.json"), *refs = vectors_file("key-package-refs.json");

    (void)state;
    assert_int_equal(json_array_size(all), json_object_size(refs));
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *one = json_array_get(all, i);
        const char *init_key = json_string_value(json_object_get(one, "initKey"));
        struct bytes data = vectors_hex(one, "keyPackage"), expected = vectors_hex(refs, init_key);
        uint8_t ref[MLS_HASH_LEN];

        mls_key_package_ref(bytes_slice(&data), ref);
        assert_true(slice_eq(slice_of(ref, sizeof ref), bytes_slice(&expected)));
        bytes_free(&data);
        bytes_free(&expected);
    }
    json_decref(all);
    json_decref(refs);
}

static void a_recorded_package_cut_or_bent_is_refused(void **state)
{
    json_t *all = vectors_file("key-packages.json");
    struct bytes data = vectors_hex(json_array_get(all, 0), "keyPackage");
    struct key_package_view v;
    uint64_t made;

    (void)state;
    assert_int_equal(mls_key_package_parse(bytes_slice(&data), &v.mls, NULL), 0);
    made = v.mls.leaf.not_before + KEY_PACKAGE_BACKDATE_S;
    for (size_t len = 0; len < data.len; len++)
        assert_int_not_equal(
            key_package_check(slice_of(data.data, len), anybody, anybody, made, NULL, NULL, NULL), 0);
    for (size_t i = 0; i < data.len; i++) {
        data.data[i] ^= 1;
        assert_int_not_equal(key_package_check(bytes_slice(&data), anybody, anybody, made, NULL, NULL, NULL),
                             0);
        data.data[i] ^= 1;
    }
    assert_int_equal(key_package_check(bytes_slice(&data), anybody, anybody, made, NULL, NULL, NULL), 0);
    bytes_free(&data);
    json_decref(all);
}

/* ---- Ours ---- */

static void make_bundle(struct mls_key_package_bundle *out)
{
    *out = (struct mls_key_package_bundle){0};
    assert_int_equal(key_package_create(&installation, inbox_id, NOW_S, &rand_system, out, NULL), 0);
}

static void our_package_is_found_valid_and_asks_for_x25519(void **state)
{
    struct mls_key_package_bundle b;
    struct key_package_view v;
    uint8_t ref[MLS_HASH_LEN];
    struct slice data;

    (void)state;
    make_bundle(&b);
    assert_int_equal(key_package_check(bytes_slice(&b.data), slice_of(installation.public_key, 32),
                                       slice_str(inbox_id), NOW_S, &v, NULL, NULL),
                     0);
    assert_string_equal(v.inbox_id, inbox_id);
    assert_int_equal(v.wrapper, WELCOME_WRAPPER_X25519);
    assert_true(slice_eq(v.wrapper_key, slice_of(b.init_public, MLS_KEY_LEN)));
    assert_false(v.has_pointee_aead);
    assert_int_equal(v.mls.leaf.not_before, NOW_S - 3600);
    assert_int_equal(v.mls.leaf.not_after, NOW_S + 7257600);
    assert_true(mls_extension_find(v.mls.extensions, MLS_EXT_LAST_RESORT, &data));
    assert_int_equal(data.len, 0);
    mls_key_package_ref(bytes_slice(&b.data), ref);
    assert_memory_equal(ref, b.ref, sizeof ref);
    mls_key_package_bundle_wipe(&b);
}

static void assert_list(struct slice list, const char *expected)
{
    char *text = hex_dup(list);

    assert_string_equal(text, expected);
    xm_free(text);
}

/* Byte for byte what libxmtp 1.9 says of itself, the keys and two extensions apart. */
static void our_package_says_what_libxmtp_says(void **state)
{
    struct mls_key_package_bundle b;
    struct mls_key_package kp;
    struct slice id;

    (void)state;
    make_bundle(&b);
    assert_int_equal(mls_key_package_parse(bytes_slice(&b.data), &kp, NULL), 0);
    assert_int_equal(kp.version, 1);
    assert_int_equal(kp.suite, 3);
    assert_list(kp.leaf.capabilities.versions, "0001");
    assert_list(kp.leaf.capabilities.suites, "0003");
    assert_list(kp.leaf.capabilities.extensions, "000a0001ff02ff00ff01ff03ff04f000");
    assert_list(kp.leaf.capabilities.proposals, "0007");
    assert_list(kp.leaf.capabilities.credentials, "0001");
    assert_true(mls_extension_find(kp.leaf.extensions, MLS_EXT_APPLICATION_ID, &id));
    assert_int_equal(id.len, 66);
    assert_int_equal(id.data[0], 0x40);
    assert_int_equal(id.data[1], 0x40);
    assert_memory_equal(id.data + 2, inbox_id, 64);
    assert_int_equal(kp.leaf.credential.len, CREDENTIAL_LEN);
    mls_key_package_bundle_wipe(&b);
}

/* Extensions in the order, and the whole package of the length, that libxmtp's have. */
static void a_package_with_an_xwing_key_has_the_form_of_libxmtps(void **state)
{
    static const uint8_t key[1216] = {7};
    struct mls_key_package_bundle b = {0};
    struct key_package_view v;
    struct slice rest, data;
    uint16_t type;

    (void)state;
    assert_int_equal(key_package_create_xwing(&installation, inbox_id, NOW_S, slice_of(key, sizeof key),
                                              &rand_system, &b, NULL),
                     0);
    assert_int_equal(b.data.len, 1659);
    assert_int_equal(key_package_check(bytes_slice(&b.data), anybody, anybody, NOW_S, &v, NULL, NULL), 0);
    assert_int_equal(v.wrapper, WELCOME_WRAPPER_XWING);
    assert_true(slice_eq(v.wrapper_key, slice_of(key, sizeof key)));
    assert_true(v.has_pointee_aead);
    rest = v.mls.extensions;
    assert_true(mls_extension_next(&rest, &type, &data));
    assert_int_equal(type, MLS_EXT_LAST_RESORT);
    assert_true(mls_extension_next(&rest, &type, &data));
    assert_int_equal(type, XMTP_EXT_WELCOME_POINTEE_AEAD);
    assert_true(mls_extension_next(&rest, &type, &data));
    assert_int_equal(type, XMTP_EXT_WELCOME_WRAPPER);
    mls_key_package_bundle_wipe(&b);
    assert_int_equal(
        key_package_create_xwing(&installation, inbox_id, NOW_S, slice_of(key, 1215), &rand_system, &b, NULL),
        ERR_INVALID);
}

static void two_packages_share_no_key(void **state)
{
    struct mls_key_package_bundle a, b;

    (void)state;
    make_bundle(&a);
    make_bundle(&b);
    assert_memory_not_equal(a.init_public, b.init_public, MLS_KEY_LEN);
    assert_memory_not_equal(a.leaf_public, b.leaf_public, MLS_KEY_LEN);
    assert_memory_not_equal(a.init_public, a.leaf_public, MLS_KEY_LEN);
    mls_key_package_bundle_wipe(&a);
    mls_key_package_bundle_wipe(&b);
}

static enum key_package_fault fault_at(struct slice data, uint64_t now_s)
{
    enum key_package_fault fault;
    int r = key_package_check(data, anybody, anybody, now_s, NULL, &fault, NULL);

    assert_int_equal(r == 0, fault == KEY_PACKAGE_OK);
    return fault;
}

static void a_package_is_valid_only_within_its_lifetime(void **state)
{
    struct mls_key_package_bundle b;
    struct slice data;

    (void)state;
    make_bundle(&b);
    data = bytes_slice(&b.data);
    assert_int_equal(fault_at(data, NOW_S - 3599), KEY_PACKAGE_OK);
    assert_int_equal(fault_at(data, NOW_S - 3601), KEY_PACKAGE_INVALID);
    assert_int_equal(fault_at(data, NOW_S + 7257599), KEY_PACKAGE_OK);
    assert_int_equal(fault_at(data, NOW_S + 7257600), KEY_PACKAGE_INVALID);
    mls_key_package_bundle_wipe(&b);
}

static void none_and_a_huge_one_are_told_apart_from_an_invalid_one(void **state)
{
    static uint8_t zeros[KEY_PACKAGE_MAX + 1];

    (void)state;
    assert_int_equal(fault_at(anybody, NOW_S), KEY_PACKAGE_EMPTY);
    assert_int_equal(fault_at(slice_of(zeros, sizeof zeros), NOW_S), KEY_PACKAGE_MALFORMED);
    assert_int_equal(fault_at(slice_of(zeros, 100), NOW_S), KEY_PACKAGE_MALFORMED);
}

/* A package of ours with one thing different. */
static enum key_package_fault with_extension(uint16_t type, struct slice data, struct key_package_view *out)
{
    struct mls_key_package_bundle b = {0};
    struct buf list = BUF_INIT;
    enum key_package_fault fault;
    struct own_leaf leaf;

    own_leaf_init(&leaf, &installation, inbox_id, NOW_S);
    mls_extension_put(&list, type, data);
    assert_int_equal(
        mls_key_package_create(MLS_SUITE_CHACHA20, &leaf.params, buf_slice(&list), &rand_system, &b, NULL),
        0);
    (void)key_package_check(bytes_slice(&b.data), anybody, anybody, NOW_S, out, &fault, NULL);
    if (out != NULL)
        out->wrapper_key = anybody; /* pointed into what is wiped now */
    mls_key_package_bundle_wipe(&b);
    buf_free(&list);
    return fault;
}

static enum key_package_fault with_wrapper(size_t key_len, uint64_t algorithm, struct key_package_view *out)
{
    static const uint8_t key[2000] = {9};
    struct buf body = BUF_INIT;
    enum key_package_fault fault;

    wire_put_bytes(&body, 1, slice_of(key, key_len));
    wire_put_u64(&body, 2, algorithm);
    fault = with_extension(XMTP_EXT_WELCOME_WRAPPER, buf_slice(&body), out);
    buf_free(&body);
    return fault;
}

static void a_welcome_wrapper_is_x25519_xwing_or_refused(void **state)
{
    struct key_package_view v;

    (void)state;
    assert_int_equal(with_wrapper(1216, 2, &v), KEY_PACKAGE_OK);
    assert_int_equal(v.wrapper, WELCOME_WRAPPER_XWING);
    for (uint64_t algorithm = 0; algorithm < 5; algorithm += algorithm == 1 ? 3 : 1) { /* 0, 1, 4 */
        assert_int_equal(with_wrapper(32, algorithm, &v), KEY_PACKAGE_OK);
        assert_int_equal(v.wrapper, WELCOME_WRAPPER_X25519);
    }
    assert_int_equal(with_wrapper(32, 3, NULL), KEY_PACKAGE_WRAPPER);
    assert_int_equal(with_wrapper(1215, 2, NULL), KEY_PACKAGE_WRAPPER);
    assert_int_equal(with_wrapper(33, 1, NULL), KEY_PACKAGE_WRAPPER);
    assert_int_equal(with_extension(XMTP_EXT_WELCOME_WRAPPER, slice_str("\x0a\x7f"), NULL),
                     KEY_PACKAGE_WRAPPER);
}

static void pointer_aeads_are_chacha20_or_refused(void **state)
{
    struct key_package_view v;

    (void)state;
    assert_int_equal(with_extension(XMTP_EXT_WELCOME_POINTEE_AEAD, slice_str("\x0a\x01\x03"), &v),
                     KEY_PACKAGE_OK);
    assert_true(v.has_pointee_aead);
    assert_int_equal(with_extension(XMTP_EXT_WELCOME_POINTEE_AEAD, slice_str("\x08\x03"), &v),
                     KEY_PACKAGE_OK);
    assert_true(v.has_pointee_aead);
    assert_int_equal(with_extension(XMTP_EXT_WELCOME_POINTEE_AEAD, anybody, &v), KEY_PACKAGE_OK);
    assert_false(v.has_pointee_aead);
    assert_int_equal(with_extension(XMTP_EXT_WELCOME_POINTEE_AEAD, slice_str("\x0a\x02\x03\x04"), NULL),
                     KEY_PACKAGE_WRAPPER);
    assert_int_equal(with_extension(XMTP_EXT_WELCOME_POINTEE_AEAD, slice_str("\x08\x04"), NULL),
                     KEY_PACKAGE_WRAPPER);
    /* What later versions add beside it is none of ours. */
    assert_int_equal(with_extension(XMTP_EXT_WELCOME_POINTEE_AEAD, slice_str("\x10\x04\x0a\x01\x03"), &v),
                     KEY_PACKAGE_OK);
    assert_true(v.has_pointee_aead);
    assert_int_equal(with_extension(XMTP_EXT_WELCOME_POINTEE_AEAD, slice_str("\x0a\x7f"), NULL), KEY_PACKAGE_WRAPPER);
}

static void an_extension_that_the_capabilities_do_not_list_is_refused(void **state)
{
    (void)state;
    assert_int_equal(with_extension(0xff05, slice_str("x"), NULL), KEY_PACKAGE_INVALID);
    assert_int_equal(with_extension(XMTP_EXT_GROUP_MEMBERSHIP, slice_str("x"), NULL), KEY_PACKAGE_OK);
}

/* The capabilities list whatever is needed here. */
static enum key_package_fault with_listed_extension(uint16_t type, size_t size)
{
    struct mls_key_package_bundle b = {0};
    struct buf list = BUF_INIT;
    enum key_package_fault fault;
    struct own_leaf leaf;
    uint8_t *body = calloc(1, size + 1);

    own_leaf_init(&leaf, &installation, inbox_id, NOW_S);
    leaf.params.extension_types = (struct mls_u16s){&type, 1};
    mls_extension_put(&list, type, slice_of(body, size));
    assert_int_equal(
        mls_key_package_create(MLS_SUITE_CHACHA20, &leaf.params, buf_slice(&list), &rand_system, &b, NULL), 0);
    fault = fault_at(bytes_slice(&b.data), NOW_S);
    mls_key_package_bundle_wipe(&b);
    buf_free(&list);
    free(body);
    return fault;
}

static void extensions_whose_place_is_elsewhere_are_refused(void **state)
{
    static const uint16_t elsewhere[] = {1, 2, 3, 4, 5, 0xf000, 0x0a0a, 0x1a1a, 0xeaea},
                          fine[] = {6, 10, 0xff01, 0x1a2a, 0x1b1b, 0xfafa, 0x0a1a};

    (void)state;
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
        assert_int_equal(with_listed_extension(elsewhere[i], 1), KEY_PACKAGE_INVALID);
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
        assert_int_equal(with_listed_extension(fine[i], 1), KEY_PACKAGE_OK);
}

static void a_huge_package_is_refused_though_it_is_valid(void **state)
{
    (void)state;
    assert_int_equal(with_listed_extension(0xff01, KEY_PACKAGE_MAX / 2), KEY_PACKAGE_OK);
    assert_int_equal(with_listed_extension(0xff01, KEY_PACKAGE_MAX), KEY_PACKAGE_MALFORMED);
}

static void the_application_id_must_be_the_inbox(void **state)
{
    struct mls_key_package_bundle b = {0};
    struct own_leaf leaf;
    uint8_t longer[71];

    (void)state;
    own_leaf_init(&leaf, &installation, inbox_id, NOW_S);
    leaf.extensions[20] ^= 1;
    assert_int_equal(
        mls_key_package_create(MLS_SUITE_CHACHA20, &leaf.params, anybody, &rand_system, &b, NULL), 0);
    assert_int_equal(fault_at(bytes_slice(&b.data), NOW_S), KEY_PACKAGE_APPLICATION);
    mls_key_package_bundle_wipe(&b);
    leaf.extensions[20] ^= 1;
    memcpy(longer, leaf.extensions, 70); /* a byte behind the inbox, outside the inner vector */
    longer[3]++;
    longer[70] = 0;
    leaf.params.extensions = slice_of(longer, sizeof longer);
    b = (struct mls_key_package_bundle){0};
    assert_int_equal(
        mls_key_package_create(MLS_SUITE_CHACHA20, &leaf.params, anybody, &rand_system, &b, NULL), 0);
    assert_int_equal(fault_at(bytes_slice(&b.data), NOW_S), KEY_PACKAGE_APPLICATION);
    mls_key_package_bundle_wipe(&b);
    leaf.params.extensions = slice_of(leaf.extensions, sizeof leaf.extensions);
    leaf.credential[20] = 'X';
    b = (struct mls_key_package_bundle){0};
    assert_int_equal(
        mls_key_package_create(MLS_SUITE_CHACHA20, &leaf.params, anybody, &rand_system, &b, NULL), 0);
    assert_int_equal(fault_at(bytes_slice(&b.data), NOW_S), KEY_PACKAGE_CREDENTIAL);
    mls_key_package_bundle_wipe(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_recorded_package_is_valid_and_says_what_was_recorded),
        cmocka_unit_test(every_recorded_reference_is_computed),
        cmocka_unit_test(a_recorded_package_cut_or_bent_is_refused),
        cmocka_unit_test(our_package_is_found_valid_and_asks_for_x25519),
        cmocka_unit_test(our_package_says_what_libxmtp_says),
        cmocka_unit_test(a_package_with_an_xwing_key_has_the_form_of_libxmtps),
        cmocka_unit_test(two_packages_share_no_key),
        cmocka_unit_test(a_package_is_valid_only_within_its_lifetime),
        cmocka_unit_test(none_and_a_huge_one_are_told_apart_from_an_invalid_one),
        cmocka_unit_test(a_welcome_wrapper_is_x25519_xwing_or_refused),
        cmocka_unit_test(pointer_aeads_are_chacha20_or_refused),
        cmocka_unit_test(an_extension_that_the_capabilities_do_not_list_is_refused),
        cmocka_unit_test(extensions_whose_place_is_elsewhere_are_refused),
        cmocka_unit_test(a_huge_package_is_refused_though_it_is_valid),
        cmocka_unit_test(the_application_id_must_be_the_inbox),
    };
    uint8_t seed[32] = {42};

    if (crypto_init(NULL) != 0)
        return 99;
    ed25519_from_seed(seed, &installation);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
