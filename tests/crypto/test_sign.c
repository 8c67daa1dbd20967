/* Ed25519 (RFC 8032 section 7.1), Ed25519ph with a context, EIP-191, P-256. */
#include "tests/crypto/vec.h"

#include "base/err.h"
#include "base/rand.h"
#include "crypto/crypto.h"
#include "crypto/ed25519.h"
#include "crypto/eth.h"
#include "crypto/hash.h"
#include "crypto/keccak.h"
#include "crypto/openssl.h"
#include "crypto/p256.h"

#include <sodium.h>
#include <string.h>

static struct ed25519_key counting_key(void)
{
    struct ed25519_key key;
    uint8_t seed[32];

    for (int i = 0; i < 32; i++)
        seed[i] = (uint8_t)i;
    ed25519_from_seed(seed, &key);
    return key;
}

static void ed25519_gives_the_values_of_rfc_8032(void **state)
{
    struct ed25519_key key;
    uint8_t sig[64];

    (void)state;
    ed25519_from_seed(vec("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb").data, &key);
    assert_hex(bytes_of(key.public_key), "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    ed25519_sign(&key, vec("72"), sig);
    assert_hex(bytes_of(sig), "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                              "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
    assert_int_equal(ed25519_verify(bytes_of(key.public_key), vec("72"), bytes_of(sig)), 0);
    assert_int_equal(ed25519_verify(bytes_of(key.public_key), vec("73"), bytes_of(sig)), ERR_AUTH);
    assert_int_equal(ed25519_verify(bytes_of(key.public_key), vec("72"), slice_of(sig, 63)), ERR_AUTH);
    assert_int_equal(ed25519_verify(slice_of(key.public_key, 31), vec("72"), bytes_of(sig)), ERR_AUTH);
    vec_free_all();
}

/* RFC 8032 section 7.3 has the empty context only: as good a check of the prehash. */
static void ed25519ph_of_abc_is_that_of_rfc_8032(void **state)
{
    struct ed25519_key key;
    uint8_t sig[64];

    (void)state;
    ed25519_from_seed(vec("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42").data, &key);
    assert_int_equal(ed25519ph_sign(&key, slice_of(NULL, 0), slice_str("abc"), sig), 0);
    assert_hex(bytes_of(sig), "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41"
                              "31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406");
    assert_int_equal(
        ed25519ph_verify(bytes_of(key.public_key), slice_of(NULL, 0), slice_str("abc"), bytes_of(sig)), 0);
    vec_free_all();
}

static void ed25519ph_with_a_context_gives_the_value_libxmtp_gives(void **state)
{
    struct ed25519_key key = counting_key();
    struct slice context = slice_str("PUBLIC SIGNATURE CONTEXT");
    uint8_t sig[64];

    (void)state;
    assert_int_equal(ed25519ph_sign(&key, context, slice_str("hello"), sig), 0);
    assert_hex(bytes_of(sig), "556af812dcfa70f4cd3eb19986dbefec7ef6d7fe36edfb6516ee5548817475f3"
                              "065f23cad79fae75a04d601a0765d349bcc31198ca6f968a4db98343ab3c4108");
    assert_int_equal(ed25519ph_verify(bytes_of(key.public_key), context, slice_str("hello"), bytes_of(sig)),
                     0);
}

static void ed25519ph_binds_context_text_key_and_signature(void **state)
{
    struct ed25519_key key = counting_key(), other;
    struct slice pub = bytes_of(key.public_key), context = slice_str("IDENTITY UPDATE SIGNATURE");
    uint8_t sig[64];

    (void)state;
    ed25519_generate(&rand_system, &other);
    assert_int_equal(ed25519ph_sign(&key, context, slice_str("text"), sig), 0);
    assert_int_equal(ed25519ph_verify(pub, slice_str("another"), slice_str("text"), bytes_of(sig)), ERR_AUTH);
    assert_int_equal(ed25519ph_verify(pub, context, slice_str("texT"), bytes_of(sig)), ERR_AUTH);
    assert_int_equal(ed25519ph_verify(bytes_of(other.public_key), context, slice_str("text"), bytes_of(sig)),
                     ERR_AUTH);
    assert_int_equal(ed25519_verify(pub, slice_str("text"), bytes_of(sig)), ERR_AUTH);
    for (size_t i = 0; i < sizeof sig * 8; i++) {
        sig[i / 8] ^= (uint8_t)(1u << (i % 8));
        assert_int_equal(ed25519ph_verify(pub, context, slice_str("text"), bytes_of(sig)), ERR_AUTH);
        sig[i / 8] ^= (uint8_t)(1u << (i % 8));
    }
}

/* ---- Keys outside of the prime-order subgroup ---- */

/* Of order 8; its multiples are all points of small order. */
static const uint8_t torsion[32] = {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
                                    0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
                                    0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a};

static void add_torsion(uint8_t point[32], unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        assert_int_equal(crypto_core_ed25519_add(point, point, torsion), 0);
}

static void challenge(const uint8_t r[32], const uint8_t key[32], struct slice context, struct slice text, uint8_t k[32])
{
    uint8_t flags[2] = {1, (uint8_t)context.len}, prehash[64], wide[64];
    struct slice parts[] = {slice_str("SigEd25519 no Ed25519 collisions"), slice_of(flags, 2), context, slice_of(r, 32),
                            slice_of(key, 32), slice_of(prehash, 64)};

    hash_sha512(text, prehash);
    hash_sha512_parts(parts, 6, wide);
    crypto_core_ed25519_scalar_reduce(k, wide);
}

/* Signs for aB + tT, whose challenge has to cancel the torsion: R = rB + jT with j + k t = 0 mod 8, which one
 * nonce in eight gives. */
static void sign_with_torsion(uint8_t a, unsigned t, uint8_t r, struct slice context, struct slice text, uint8_t key[32],
                              uint8_t signature[64])
{
    uint8_t scalar[32] = {a}, k[32];

    memset(key, 0, 32);
    key[0] = 1;
    if (a)
        assert_int_equal(crypto_scalarmult_ed25519_base_noclamp(key, scalar), 0);
    add_torsion(key, t);
    for (unsigned i = 0;; i++) {
        unsigned j = i % 8;
        uint8_t nonce[32] = {(uint8_t)(r ? r + i / 8 : 0)};

        assert_true(i < 8 * 200);
        memset(signature, 0, 64);
        signature[0] = 1;
        if (r)
            assert_int_equal(crypto_scalarmult_ed25519_base_noclamp(signature, nonce), 0);
        add_torsion(signature, j);
        challenge(signature, key, context, text, k);
        if ((j + k[0] * t) % 8 != 0)
            continue;
        crypto_core_ed25519_scalar_mul(k, k, scalar);
        crypto_core_ed25519_scalar_add(signature + 32, nonce, k);
        return;
    }
}

/* libxmtp verifies R = SB - kA byte by byte and asks nothing of A's order.  Whoever refuses what it takes cannot
 * read the inbox. */
static void ed25519ph_verifies_for_keys_of_any_order(void **state)
{
    static const struct {
        uint8_t a, r;
        unsigned t;
    } cases[] = {{7, 3, 0}, {7, 3, 1}, {7, 3, 2}, {7, 3, 4}, {200, 1, 3}, {0, 3, 1}, {0, 3, 0}, {0, 0, 1}, {0, 0, 4}, {0, 0, 0}};
    struct slice context = slice_str("IDENTITY UPDATE SIGNATURE"), text = slice_str("a text");

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t key[32], sig[64];

        sign_with_torsion(cases[i].a, cases[i].t, cases[i].r, context, text, key, sig);
        assert_true(ed25519_is_point(key));
        if (ed25519ph_verify(bytes_of(key), context, text, bytes_of(sig)) != 0)
            fail_msg("case %zu", i);
        /* Another nonce of the same class: the equation holds eightfold then, which is not enough. */
        add_torsion(sig, 1);
        assert_int_equal(ed25519ph_verify(bytes_of(key), context, text, bytes_of(sig)), ERR_AUTH);
        add_torsion(sig, 7);
        assert_int_equal(ed25519ph_verify(bytes_of(key), context, text, bytes_of(sig)), 0);
        sig[32] ^= 1;
        assert_int_equal(ed25519ph_verify(bytes_of(key), context, text, bytes_of(sig)), ERR_AUTH);
    }
}

static void ed25519ph_refuses_an_s_that_is_not_reduced(void **state)
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
                                      0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    struct ed25519_key key = counting_key();
    uint8_t sig[64];
    unsigned carry = 0;

    (void)state;
    assert_int_equal(ed25519ph_sign(&key, slice_str("c"), slice_str("text"), sig), 0);
    for (int i = 0; i < 32; i++) {
        carry += (unsigned)sig[32 + i] + order[i];
        sig[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(
        ed25519ph_verify(bytes_of(key.public_key), slice_str("c"), slice_str("text"), bytes_of(sig)),
        ERR_AUTH);
}

static void a_context_longer_than_a_byte_counts_is_refused(void **state)
{
    struct ed25519_key key = counting_key();
    char context[257] = {0};
    uint8_t sig[64];

    (void)state;
    memset(context, 'c', 256);
    assert_int_equal(ed25519ph_sign(&key, slice_of(context, 255), slice_str("t"), sig), 0);
    assert_int_equal(
        ed25519ph_verify(bytes_of(key.public_key), slice_of(context, 255), slice_str("t"), bytes_of(sig)), 0);
    assert_int_equal(ed25519ph_sign(&key, slice_of(context, 256), slice_str("t"), sig), ERR_INVALID);
}

static void only_encodings_of_points_are_points(void **state)
{
    struct ed25519_key key = counting_key();
    uint8_t two[32] = {2}, one[32] = {1};

    (void)state;
    assert_true(ed25519_is_point(key.public_key));
    assert_true(ed25519_is_point(one)); /* weak, yet libxmtp decodes it too */
    assert_false(ed25519_is_point(two));
}

/* The worked example of the protocol notes: a wallet creates an inbox. */
static const char wallet_secret[] = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
static const char wallet_address[] = "0x2c7536e3605d9c16a7a3d7b1898e529396a65c23";
static const char update_text[] =
    "XMTP : Authenticate to inbox\n\n"
    "Inbox ID: c24caeaf198cef106e3ab9251bed63aafdb2eed4efe93f1f9acebee4cd705c35\n"
    "Current time: 2023-11-14T22:13:20Z\n\n"
    "- Create inbox\n"
    "  (Owner: 0x2c7536e3605d9c16a7a3d7b1898e529396a65c23)\n"
    "- Grant messaging access to app\n"
    "  (ID: 03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8)\n\n"
    "For more info: https://xmtp.org/signatures";
static const char wallet_signature[] = "846e4076ffa3affee0af1e35d801391d5d28f369589d30dc1b143af786ef9622"
                                       "2b2eba8474d4d6b0b5b17eaf54dcadd007858022acb2032a926180472f29a9bc1b";

static void a_wallet_signs_as_eip_191_says(void **state)
{
    struct eth_key key;
    char address[ETH_ADDRESS_LEN + 1];
    uint8_t hash[32], sig[ETH_SIGNATURE_LEN], public_key[ETH_PUBLIC_LEN];

    (void)state;
    assert_int_equal(eth_from_secret(vec(wallet_secret).data, &key), 0);
    eth_address(&key, address);
    assert_string_equal(address, wallet_address);
    eth_public_key(&key, public_key);
    assert_int_equal(eth_address_of_public_key(bytes_of(public_key), address), 0);
    assert_string_equal(address, wallet_address);
    eth_personal_hash(slice_str(update_text), hash);
    assert_hex(bytes_of(hash), "bde7ea6056fac29d3ae151fc61a0abc73e3d3bb6191b825a2d526336689b4e48");
    eth_sign_personal(&key, slice_str(update_text), sig);
    assert_hex(bytes_of(sig), wallet_signature);
    vec_free_all();
}

static void ed25519ph_signs_the_worked_example(void **state)
{
    struct ed25519_key key = counting_key();
    uint8_t sig[64];

    (void)state;
    assert_int_equal(
        ed25519ph_sign(&key, slice_str("IDENTITY UPDATE SIGNATURE"), slice_str(update_text), sig), 0);
    assert_hex(bytes_of(sig), "edc3f42dca58d5779fb8d58fbbd517364216358abdb52a1a19f8f36974439386"
                              "d0b186f6eb9162a3f2386edd3ef29ebba05eb62e060ab37f120085a26c83e40a");
}

static void private_keys_out_of_range_are_refused(void **state)
{
    struct eth_key key;

    (void)state;
    assert_int_equal(eth_from_secret(vec("00000000000000000000000000000000"
                                         "00000000000000000000000000000000")
                                         .data,
                                     &key),
                     ERR_INVALID);
    assert_int_equal(eth_from_secret(vec("fffffffffffffffffffffffffffffffe"
                                         "baaedce6af48a03bbfd25e8cd0364141")
                                         .data,
                                     &key),
                     ERR_INVALID);
    assert_int_equal(eth_from_secret(vec("fffffffffffffffffffffffffffffffe"
                                         "baaedce6af48a03bbfd25e8cd0364140")
                                         .data,
                                     &key),
                     0);
    vec_free_all();
}

/* n - s, big-endian. */
static void negate_s(uint8_t s[32])
{
    struct slice n = vec("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
    int borrow = 0;

    for (int i = 31; i >= 0; i--) {
        int d = (int)n.data[i] - s[i] - borrow;

        borrow = d < 0;
        s[i] = (uint8_t)d;
    }
}

static void recovery_reads_v_in_every_accepted_form(void **state)
{
    uint8_t sig[ETH_SIGNATURE_LEN], used[ETH_SIGNATURE_LEN];
    char address[ETH_ADDRESS_LEN + 1];

    (void)state;
    memcpy(sig, vec(wallet_signature).data, sizeof sig);
    for (int v = 0; v < 256; v++) {
        bool even = v == 0 || v == 27 || (v >= 35 && v % 2 == 1),
             odd = v == 1 || v == 28 || (v >= 35 && v % 2 == 0);
        int r;

        sig[64] = (uint8_t)v;
        r = eth_recover_personal(slice_str(update_text), bytes_of(sig), address, used);
        if (!even && !odd) {
            assert_int_equal(r, ERR_MALFORMED);
            continue;
        }
        assert_int_equal(r, 0);
        assert_int_equal(strcmp(address, wallet_address) == 0, even);
        assert_memory_equal(used, sig, sizeof sig); /* v stays as it came */
    }
    vec_free_all();
}

static void high_s_is_lowered_and_v_left_alone(void **state)
{
    struct slice good = vec(wallet_signature);
    uint8_t high[ETH_SIGNATURE_LEN], used[ETH_SIGNATURE_LEN], normal[ETH_SIGNATURE_LEN];
    char address[ETH_ADDRESS_LEN + 1];

    (void)state;
    memcpy(high, good.data, sizeof high);
    negate_s(high + 32);
    assert_int_equal(eth_recover_personal(slice_str(update_text), bytes_of(high), address, used), 0);
    assert_string_equal(address, wallet_address);
    assert_memory_equal(used, good.data, sizeof used);
    high[64] = 28; /* what a wallet with high s really sends */
    assert_int_equal(eth_recover_personal(slice_str(update_text), bytes_of(high), address, used), 0);
    assert_string_not_equal(address, wallet_address);
    assert_int_equal(eth_normalise_signature(bytes_of(high), normal), 0);
    assert_memory_equal(normal, good.data, sizeof normal);
    high[64] = 1;
    assert_int_equal(eth_normalise_signature(bytes_of(high), normal), 0);
    assert_memory_equal(normal, good.data, sizeof normal);
    vec_free_all();
}

static void recovery_refuses_numbers_out_of_range(void **state)
{
    static const char order[] = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    uint8_t sig[ETH_SIGNATURE_LEN], used[ETH_SIGNATURE_LEN];
    char address[ETH_ADDRESS_LEN + 1];
    struct slice text = slice_str("text");

    (void)state;
    for (int half = 0; half < 2; half++) {
        memcpy(sig, vec(wallet_signature).data, sizeof sig);
        memset(sig + 32 * half, 0, 32);
        assert_int_equal(eth_recover_personal(text, bytes_of(sig), address, NULL), ERR_AUTH);
        assert_int_equal(eth_normalise_signature(bytes_of(sig), used), ERR_AUTH);
        memcpy(sig + 32 * half, vec(order).data, 32);
        assert_int_equal(eth_recover_personal(text, bytes_of(sig), address, NULL), ERR_AUTH);
        assert_int_equal(eth_normalise_signature(bytes_of(sig), used), ERR_AUTH);
    }
    assert_int_equal(eth_recover_personal(text, slice_of(sig, 64), address, NULL), ERR_MALFORMED);
    vec_free_all();
}

/* RFC 6979 section A.2.5: P-256, SHA-256, message "sample". */
static const char p256_public[] = "04"
                                  "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
                                  "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
static const char p256_compressed[] = "0360fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6";
static const char p256_raw[] = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                               "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
static const char p256_der[] = "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                               "022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";

static void p256_verifies_the_example_of_rfc_6979(void **state)
{
    uint8_t raw[64];

    (void)state;
    assert_int_equal(p256_verify(vec(p256_public), slice_str("sample"), vec(p256_der), raw), 0);
    assert_hex(bytes_of(raw), p256_raw);
    assert_int_equal(p256_verify(vec(p256_compressed), slice_str("sample"), vec(p256_der), NULL), 0);
    assert_int_equal(p256_verify(vec(p256_public), slice_str("Sample"), vec(p256_der), NULL), ERR_AUTH);
    vec_free_all();
}

static void p256_refuses_what_is_not_a_point_or_not_der(void **state)
{
    struct slice der = vec(p256_der), pub = vec(p256_public);
    uint8_t bent[80];

    (void)state;
    assert_int_equal(p256_verify(pub, slice_str("sample"), vec(p256_raw), NULL), ERR_MALFORMED);
    for (size_t len = 0; len < der.len; len++)
        assert_int_equal(p256_verify(pub, slice_str("sample"), slice_of(der.data, len), NULL), ERR_MALFORMED);
    memcpy(bent, der.data, der.len);
    bent[der.len] = 0; /* trailing byte */
    assert_int_equal(p256_verify(pub, slice_str("sample"), slice_of(bent, der.len + 1), NULL), ERR_MALFORMED);
    for (size_t len = 0; len < pub.len; len++)
        assert_int_equal(p256_verify(slice_of(pub.data, len), slice_str("sample"), der, NULL), ERR_MALFORMED);
    memcpy(bent, pub.data, pub.len);
    bent[64] ^= 1; /* off the curve */
    assert_int_equal(p256_verify(slice_of(bent, pub.len), slice_str("sample"), der, NULL), ERR_MALFORMED);
    vec_free_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ed25519_gives_the_values_of_rfc_8032),
        cmocka_unit_test(ed25519ph_of_abc_is_that_of_rfc_8032),
        cmocka_unit_test(ed25519ph_with_a_context_gives_the_value_libxmtp_gives),
        cmocka_unit_test(ed25519ph_binds_context_text_key_and_signature),
        cmocka_unit_test(ed25519ph_verifies_for_keys_of_any_order),
        cmocka_unit_test(ed25519ph_refuses_an_s_that_is_not_reduced),
        cmocka_unit_test(a_context_longer_than_a_byte_counts_is_refused),
        cmocka_unit_test(only_encodings_of_points_are_points),
        cmocka_unit_test(a_wallet_signs_as_eip_191_says),
        cmocka_unit_test(ed25519ph_signs_the_worked_example),
        cmocka_unit_test(private_keys_out_of_range_are_refused),
        cmocka_unit_test(recovery_reads_v_in_every_accepted_form),
        cmocka_unit_test(high_s_is_lowered_and_v_left_alone),
        cmocka_unit_test(recovery_refuses_numbers_out_of_range),
        cmocka_unit_test(p256_verifies_the_example_of_rfc_6979),
        cmocka_unit_test(p256_refuses_what_is_not_a_point_or_not_der),
    };

    if (crypto_init(NULL) != 0)
        return 99;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
