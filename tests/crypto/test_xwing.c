/* X-Wing.  The values are those of an independent implementation (npm @noble/post-quantum 0.7.1) for
 * the seed 00 01 .. 1f and the randomness 64 65 .. a3, as SHA-256 where they are long.  With an OpenSSL
 * before 3.5 there is nothing to run but the refusals. */
#include "tests/crypto/vec.h"

#include "base/err.h"
#include "base/rand.h"
#include "crypto/crypto.h"
#include "crypto/hash.h"
#include "crypto/xwing.h"

static uint8_t seed[XWING_SEED_LEN], public_key[XWING_PUBLIC_LEN], enc[XWING_ENC_LEN],
    shared[XWING_SHARED_LEN];

/* 100, 101, 102, ... */
static void count_up(void *ctx, void *out, size_t len)
{
    uint8_t *next = ctx;

    for (size_t i = 0; i < len; i++)
        ((uint8_t *)out)[i] = (*next)++;
}

static void assert_digest(struct slice data, const char *expected)
{
    uint8_t hash[HASH_SHA256_LEN];

    hash_sha256(data, hash);
    assert_hex(bytes_of(hash), expected);
}

static void gives_the_values_of_an_independent_implementation(void **state)
{
    uint8_t next = 100, again[XWING_SHARED_LEN];
    const struct rand rand = {count_up, &next};

    (void)state;
    if (!xwing_is_available())
        return;
    assert_int_equal(xwing_public_key(seed, public_key), 0);
    assert_digest(bytes_of(public_key), "c9a3565ffde4f72b51661be391ee13e46378d7f06dd5c8bf5af9d2cfb5b8336b");
    assert_int_equal(xwing_encapsulate(bytes_of(public_key), &rand, enc, shared), 0);
    assert_digest(bytes_of(enc), "6e0d3c34cdb992fb2047bc53bec8d07b8a6cd5af6503d4f3b632fb04b51bdd4b");
    assert_hex(bytes_of(shared), "b15ab070d17461cb7d695dafecd3d498242fbd2e2e3a5e2c0cbc2fd6e710b88b");
    assert_int_equal(xwing_decapsulate(seed, bytes_of(enc), again), 0);
    assert_memory_equal(shared, again, sizeof shared);
}

static void another_ciphertext_or_seed_gives_another_secret(void **state)
{
    uint8_t other[XWING_SHARED_LEN];

    (void)state;
    if (!xwing_is_available())
        return;
    assert_int_equal(xwing_public_key(seed, public_key), 0);
    assert_int_equal(xwing_encapsulate(bytes_of(public_key), &rand_system, enc, shared), 0);
    enc[5] ^= 1; /* ML-KEM rejects implicitly: a secret, but another one */
    assert_int_equal(xwing_decapsulate(seed, bytes_of(enc), other), 0);
    assert_memory_not_equal(shared, other, sizeof shared);
    enc[5] ^= 1;
    enc[XWING_ENC_LEN - 1] ^= 1;
    assert_int_equal(xwing_decapsulate(seed, bytes_of(enc), other), 0);
    assert_memory_not_equal(shared, other, sizeof shared);
    enc[XWING_ENC_LEN - 1] ^= 1;
    seed[0] ^= 1;
    assert_int_equal(xwing_decapsulate(seed, bytes_of(enc), other), 0);
    assert_memory_not_equal(shared, other, sizeof shared);
    seed[0] ^= 1;
}

static void wrong_lengths_and_small_points_are_refused(void **state)
{
    int expect = xwing_is_available() ? ERR_AUTH : ERR_UNSUPPORTED;

    (void)state;
    (void)xwing_public_key(seed, public_key);
    assert_int_equal(xwing_encapsulate(slice_of(public_key, XWING_PUBLIC_LEN - 1), &rand_system, enc, shared),
                     expect);
    assert_int_equal(xwing_decapsulate(seed, slice_of(enc, XWING_ENC_LEN - 1), shared), expect);
    memset(public_key + XWING_PUBLIC_LEN - 32, 0, 32);
    assert_int_equal(xwing_encapsulate(bytes_of(public_key), &rand_system, enc, shared), expect);
    memset(enc + XWING_ENC_LEN - 32, 0, 32);
    assert_int_equal(xwing_decapsulate(seed, bytes_of(enc), shared), expect);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_values_of_an_independent_implementation),
        cmocka_unit_test(another_ciphertext_or_seed_gives_another_secret),
        cmocka_unit_test(wrong_lengths_and_small_points_are_refused),
    };

    if (crypto_init(NULL) != 0)
        return 99;
    for (size_t i = 0; i < sizeof seed; i++)
        seed[i] = (uint8_t)i;
    print_message("# ML-KEM-768 is %s\n", xwing_is_available() ? "here" : "not in this OpenSSL");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
