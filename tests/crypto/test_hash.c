/* FIPS 180-4 examples, RFC 4231, RFC 5869; Keccak against OpenSSL's SHA3 with the padding changed. */
#include "tests/crypto/vec.h"

#include "base/err.h"
#include "crypto/crypto.h"
#include "crypto/hash.h"
#include "crypto/keccak.h"
#include "crypto/openssl.h"

#include <sodium.h>
#include <string.h>

static void sha2_of_the_standard_s_example(void **state)
{
    uint8_t out[64];

    (void)state;
    hash_sha256(slice_str("abc"), out);
    assert_hex(slice_of(out, 32), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hash_sha512(slice_str("abc"), out);
    assert_hex(slice_of(out, 64), "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                                  "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

static void hashing_parts_is_hashing_their_concatenation(void **state)
{
    struct slice parts[] = {slice_str("a"), slice_of(NULL, 0), slice_str("bc")};
    uint8_t whole[64], pieces[64];

    (void)state;
    hash_sha256(slice_str("abc"), whole);
    hash_sha256_parts(parts, 3, pieces);
    assert_memory_equal(whole, pieces, 32);
    hash_sha512(slice_str("abc"), whole);
    hash_sha512_parts(parts, 3, pieces);
    assert_memory_equal(whole, pieces, 64);
    hmac_sha256(slice_str("key"), slice_str("abc"), whole);
    hmac_sha256_parts(slice_str("key"), parts, 3, pieces);
    assert_memory_equal(whole, pieces, 32);
}

/* Long ones take another way. */
static void sha256_of_every_length(void **state)
{
    enum { LONGEST = 5000 };
    uint8_t data[LONGEST], whole[32], pieces[32], want[32];
    struct slice parts[3];

    (void)state;
    for (size_t i = 0; i < LONGEST; i++)
        data[i] = (uint8_t)(i * 7 >> 3);
    for (size_t len = 0; len <= LONGEST; len += len % 100 == 99 ? 1 : 33) {
        parts[0] = slice_of(data, len / 3);
        parts[1] = slice_of(NULL, 0);
        parts[2] = slice_of(data + len / 3, len - len / 3);
        assert_int_equal(crypto_hash_sha256(want, data, len), 0);
        hash_sha256(slice_of(data, len), whole);
        hash_sha256_parts(parts, 3, pieces);
        assert_memory_equal(whole, want, 32);
        assert_memory_equal(pieces, want, 32);
    }
}

static void hmac_takes_short_and_long_keys(void **state)
{
    uint8_t out[32], long_key[131];

    (void)state;
    hmac_sha256(slice_str("Jefe"), slice_str("what do ya want for nothing?"), out); /* RFC 4231, case 2 */
    assert_hex(bytes_of(out), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(long_key, 0xaa, sizeof long_key); /* case 6 */
    hmac_sha256(bytes_of(long_key), slice_str("Test Using Larger Than Block-Size Key - Hash Key First"), out);
    assert_hex(bytes_of(out), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    hmac_sha256(slice_of(NULL, 0), slice_of(NULL, 0), out);
    assert_hex(bytes_of(out), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

struct hkdf_case {
    const char *ikm, *salt, *info, *prk, *okm;
};

static void hkdf_gives_the_values_of_rfc_5869(void **state)
{
    static const struct hkdf_case cases[] = {
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
         "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
         "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
        {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f"
         "303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
         "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f"
         "909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
         "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
         "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
         "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
         "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
         "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
         "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
         "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t prk[32], okm[128];
        size_t len = strlen(cases[i].okm) / 2;

        hkdf_sha256_extract(vec(cases[i].salt), vec(cases[i].ikm), prk);
        assert_hex(bytes_of(prk), cases[i].prk);
        assert_int_equal(hkdf_sha256_expand(bytes_of(prk), vec(cases[i].info), okm, len), 0);
        assert_hex(slice_of(okm, len), cases[i].okm);
    }
    vec_free_all();
}

static void hkdf_refuses_more_than_255_blocks(void **state)
{
    static uint8_t out[HKDF_SHA256_MAX + 1];
    uint8_t prk[32] = {1};

    (void)state;
    assert_int_equal(hkdf_sha256_expand(bytes_of(prk), slice_str(""), out, HKDF_SHA256_MAX), 0);
    assert_int_equal(hkdf_sha256_expand(bytes_of(prk), slice_str(""), out, HKDF_SHA256_MAX + 1), ERR_TOOBIG);
}

static void openssl_digest(const char *name, const uint8_t *data, size_t len, uint8_t out[32])
{
    EVP_MD *md = EVP_MD_fetch(NULL, name, NULL);

    assert_non_null(md);
    assert_int_equal(EVP_Digest(data, len, out, NULL, md, NULL), 1);
    EVP_MD_free(md);
}

/* SHA3 and Keccak share everything but the padding, which one parameter of the sponge sets; so the
 * sponge is compared for SHA3 at every length around two blocks, and Keccak by its known values. */
static void sha3_equals_openssl_for_all_lengths_to_300(void **state)
{
    uint8_t data[300], ours[32], theirs[32];

    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + 3);
    for (size_t len = 0; len <= sizeof data; len++) {
        struct slice all = slice_of(data, len);

        sha3_256_parts(&all, 1, ours);
        openssl_digest("SHA3-256", data, len, theirs);
        assert_memory_equal(ours, theirs, 32);
    }
}

static void shake_equals_openssl_at_any_output_length(void **state)
{
    uint8_t ours[300], theirs[300];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    (void)state;
    for (size_t len = 1; len <= sizeof ours; len += 13) {
        assert_int_equal(EVP_DigestInit_ex(ctx, EVP_shake256(), NULL), 1);
        assert_int_equal(EVP_DigestUpdate(ctx, "seed", 4), 1);
        assert_int_equal(EVP_DigestFinalXOF(ctx, theirs, len), 1);
        shake_256(slice_str("seed"), ours, len);
        assert_memory_equal(ours, theirs, len);
    }
    EVP_MD_CTX_free(ctx);
}

static void keccak_pads_as_ethereum_does(void **state)
{
    uint8_t out[32], block[136];

    (void)state;
    keccak_256(slice_of(NULL, 0), out);
    assert_hex(bytes_of(out), "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    keccak_256(slice_str("abc"), out);
    assert_hex(bytes_of(out), "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
    /* A full block less one byte: first and last padding bit meet in one byte. */
    memset(block, 'a', sizeof block);
    keccak_256(slice_of(block, 135), out);
    assert_hex(bytes_of(out), "34367dc248bbd832f4e3e69dfaac2f92638bd0bbd18f2912ba4ef454919cf446");
    keccak_256(slice_of(block, 136), out);
    assert_hex(bytes_of(out), "a6c4d403279fe3e0af03729caada8374b5ca54d8065329a3ebcaeb4b60aa386e");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha2_of_the_standard_s_example),
        cmocka_unit_test(sha256_of_every_length),
        cmocka_unit_test(hashing_parts_is_hashing_their_concatenation),
        cmocka_unit_test(hmac_takes_short_and_long_keys),
        cmocka_unit_test(hkdf_gives_the_values_of_rfc_5869),
        cmocka_unit_test(hkdf_refuses_more_than_255_blocks),
        cmocka_unit_test(sha3_equals_openssl_for_all_lengths_to_300),
        cmocka_unit_test(shake_equals_openssl_at_any_output_length),
        cmocka_unit_test(keccak_pads_as_ethereum_does),
    };

    if (crypto_init(NULL) != 0)
        return 99;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
