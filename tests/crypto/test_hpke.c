/* RFC 9180 appendices A.1.1 (AES-128-GCM) and A.2.1 (ChaCha20-Poly1305), base mode. */
#include "tests/crypto/vec.h"

#include "base/err.h"
#include "base/rand.h"
#include "crypto/crypto.h"
#include "crypto/hpke.h"

#include <stdio.h>
#include <string.h>

struct published {
    enum aead_id aead;
    const char *ikm_e, *pk_e, *ikm_r, *pk_r, *shared_secret, *key, *base_nonce, *exporter_secret;
    const char *sealed[6];
    const char *exported[3];
};

static const uint64_t sequence[6] = {0, 1, 2, 4, 255, 256};
static const char *const exporter_context[3] = {"", "00", "54657374436f6e74657874"};
static const char info_text[] = "Ode on a Grecian Urn", plain_text[] = "Beauty is truth, truth beauty";

static const struct published a1 = {
    .aead = AEAD_AES_128_GCM,
    .ikm_e = "7268600d403fce431561aef583ee1613527cff655c1343f29812e66706df3234",
    .pk_e = "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431",
    .ikm_r = "6db9df30aa07dd42ee5e8181afdb977e538f5e1fec8a06223f33f7013e525037",
    .pk_r = "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d",
    .shared_secret = "fe0e18c9f024ce43799ae393c7e8fe8fce9d218875e8227b0187c04e7d2ea1fc",
    .key = "4531685d41d65f03dc48f6b8302c05b0",
    .base_nonce = "56d890e5accaaf011cff4b7d",
    .exporter_secret = "45ff1c2e220db587171952c0592d5f5ebe103f1561a2614e38f2ffd47e99e3f8",
    .sealed =
        {
            "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a",
            "af2d7e9ac9ae7e270f46ba1f975be53c09f8d875bdc8535458c2494e8a6eab251c03d0c22a56b8ca42c2063b84",
            "498dfcabd92e8acedc281e85af1cb4e3e31c7dc394a1ca20e173cb72516491588d96a19ad4a683518973dcc180",
            "583bd32bc67a5994bb8ceaca813d369bca7b2a42408cddef5e22f880b631215a09fc0012bc69fccaa251c0246d",
            "7175db9717964058640a3a11fb9007941a5d1757fda1a6935c805c21af32505bf106deefec4a49ac38d71c9e0a",
            "957f9800542b0b8891badb026d79cc54597cb2d225b54c00c5238c25d05c30e3fbeda97d2e0e1aba483a2df9f2",
        },
    .exported =
        {
            "3853fe2b4035195a573ffc53856e77058e15d9ea064de3e59f4961d0095250ee",
            "2e8f0b54673c7029649d4eb9d5e33bf1872cf76d623ff164ac185da9e88c21a5",
            "e9e43065102c3836401bed8c3c3c75ae46be1639869391d62c61f1ec7af54931",
        },
};

static const struct published a2 = {
    .aead = AEAD_CHACHA20_POLY1305,
    .ikm_e = "909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b",
    .pk_e = "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a",
    .ikm_r = "1ac01f181fdf9f352797655161c58b75c656a6cc2716dcb66372da835542e1df",
    .pk_r = "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a",
    .shared_secret = "0bbe78490412b4bbea4812666f7916932b828bba79942424abb65244930d69a7",
    .key = "ad2744de8e17f4ebba575b3f5f5a8fa1f69c2a07f6e7500bc60ca6e3e3ec1c91",
    .base_nonce = "5c4d98150661b848853b547f",
    .exporter_secret = "a3b010d4994890e2c6968a36f64470d3c824c8f5029942feb11e7a74b2921922",
    .sealed =
        {
            "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28",
            "6b53c051e4199c518de79594e1c4ab18b96f081549d45ce015be002090bb119e85285337cc95ba5f59992dc98c",
            "71146bd6795ccc9c49ce25dda112a48f202ad220559502cef1f34271e0cb4b02b4f10ecac6f48c32f878fae86b",
            "63357a2aa291f5a4e5f27db6baa2af8cf77427c7c1a909e0b37214dd47db122bb153495ff0b02e9e54a50dbe16",
            "18ab939d63ddec9f6ac2b60d61d36a7375d2070c9b683861110757062c52b8880a5f6b3936da9cd6c23ef2a95c",
            "7a4a13e9ef23978e2c520fd4d2e757514ae160cd0cd05e556ef692370ca53076214c0c40d4c728d6ed9e727a5b",
        },
    .exported =
        {
            "4bbd6243b8bb54cec311fac9df81841b6fd61f56538a775e7c80a9f40160606e",
            "8c1df14732580e5501b00f82b10a1647b40713191b7c1240ac80e2b68808ba69",
            "5acb09211139c43b3090489a9da433e8a30ee7188ba8b0a9a1ccf0c229283e53",
        },
};

/* A context that the vectors describe: its secrets, its ciphertexts, its exports. */
static void check_context(const struct published *v, struct hpke_context *sender,
                          struct hpke_context *receiver)
{
    assert_hex(slice_of(sender->key, aead_key_len(v->aead)), v->key);
    assert_hex(bytes_of(sender->base_nonce), v->base_nonce);
    assert_hex(bytes_of(sender->exporter_secret), v->exporter_secret);
    assert_memory_equal(sender, receiver, sizeof *sender);
    for (size_t i = 0; i < 6; i++) {
        uint8_t sealed[sizeof plain_text - 1 + AEAD_TAG_LEN], opened[sizeof plain_text - 1];
        char aad[32];

        snprintf(aad, sizeof aad, "Count-%u", (unsigned)sequence[i]);
        sender->seq = receiver->seq = sequence[i];
        assert_int_equal(hpke_seal(sender, slice_str(aad), slice_str(plain_text), sealed), 0);
        assert_hex(bytes_of(sealed), v->sealed[i]);
        assert_int_equal(hpke_open(receiver, slice_str(aad), bytes_of(sealed), opened), 0);
        assert_memory_equal(opened, plain_text, sizeof opened);
        assert_int_equal(sender->seq, sequence[i] + 1);
        assert_int_equal(receiver->seq, sequence[i] + 1);
    }
    for (size_t i = 0; i < 3; i++) {
        uint8_t out[32];

        assert_int_equal(hpke_export(receiver, vec(exporter_context[i]), out, sizeof out), 0);
        assert_hex(bytes_of(out), v->exported[i]);
    }
}

static void run_published(const struct published *v)
{
    struct hpke_context sender, receiver, direct;
    struct x25519_key e, r;
    uint8_t enc[HPKE_ENC_LEN];

    hpke_derive_key(vec(v->ikm_e), &e);
    hpke_derive_key(vec(v->ikm_r), &r);
    assert_hex(bytes_of(e.public_key), v->pk_e);
    assert_hex(bytes_of(r.public_key), v->pk_r);
    assert_int_equal(
        hpke_setup_sender_with_ephemeral(v->aead, r.public_key, slice_str(info_text), &e, enc, &sender), 0);
    assert_hex(bytes_of(enc), v->pk_e);
    assert_int_equal(hpke_setup_receiver(v->aead, &r, bytes_of(enc), slice_str(info_text), &receiver), 0);
    assert_int_equal(hpke_context_from_secret(HPKE_KEM_X25519, v->aead, vec(v->shared_secret),
                                              slice_str(info_text), &direct),
                     0);
    assert_memory_equal(&direct, &receiver, sizeof direct);
    check_context(v, &sender, &receiver);
    vec_free_all();
}

static void rfc_9180_a1_with_aes_128_gcm(void **state)
{
    (void)state;
    run_published(&a1);
}

static void rfc_9180_a2_with_chacha20_poly1305(void **state)
{
    (void)state;
    run_published(&a2);
}

static void what_one_call_seals_one_call_opens(void **state)
{
    struct x25519_key key;
    uint8_t enc[HPKE_ENC_LEN], sealed[5 + AEAD_TAG_LEN], opened[5];
    struct slice info = slice_str("info"), aad = slice_str("aad");

    (void)state;
    x25519_generate(&rand_system, &key);
    assert_int_equal(hpke_seal_once(AEAD_CHACHA20_POLY1305, key.public_key, info, aad, slice_str("hello"),
                                    &rand_system, enc, sealed),
                     0);
    assert_int_equal(
        hpke_open_once(AEAD_CHACHA20_POLY1305, &key, bytes_of(enc), info, aad, bytes_of(sealed), opened), 0);
    assert_memory_equal(opened, "hello", 5);
    assert_int_equal(
        hpke_open_once(AEAD_CHACHA20_POLY1305, &key, bytes_of(enc), aad, aad, bytes_of(sealed), opened),
        ERR_AUTH);
    assert_int_equal(
        hpke_open_once(AEAD_CHACHA20_POLY1305, &key, bytes_of(enc), info, info, bytes_of(sealed), opened),
        ERR_AUTH);
    assert_int_equal(
        hpke_open_once(AEAD_CHACHA20_POLY1305, &key, slice_of(enc, 31), info, aad, bytes_of(sealed), opened),
        ERR_AUTH);
    assert_int_equal(
        hpke_open_once(AEAD_CHACHA20_POLY1305, &key, bytes_of(enc), info, aad, slice_of(sealed, 15), opened),
        ERR_AUTH);
}

static void a_failed_open_does_not_move_the_sequence(void **state)
{
    struct hpke_context sender, receiver;
    uint8_t sealed[1 + AEAD_TAG_LEN], plain[1], secret[32] = {7};
    struct slice none = slice_of(NULL, 0);

    (void)state;
    assert_int_equal(
        hpke_context_from_secret(HPKE_KEM_XWING, AEAD_CHACHA20_POLY1305, bytes_of(secret), none, &sender), 0);
    assert_int_equal(
        hpke_context_from_secret(HPKE_KEM_XWING, AEAD_CHACHA20_POLY1305, bytes_of(secret), none, &receiver),
        0);
    assert_int_equal(hpke_seal(&sender, none, slice_str("x"), sealed), 0);
    sealed[0] ^= 1;
    assert_int_equal(hpke_open(&receiver, none, bytes_of(sealed), plain), ERR_AUTH);
    sealed[0] ^= 1;
    assert_int_equal(hpke_open(&receiver, none, bytes_of(sealed), plain), 0);
    assert_int_equal(plain[0], 'x');
}

static void points_of_small_order_are_refused(void **state)
{
    static const char *const weak[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    struct x25519_key key;
    struct hpke_context ctx;
    uint8_t enc[HPKE_ENC_LEN], shared[32];

    (void)state;
    x25519_generate(&rand_system, &key);
    for (size_t i = 0; i < sizeof weak / sizeof weak[0]; i++) {
        struct slice point = vec(weak[i]);

        assert_int_equal(x25519_shared(key.secret, point.data, shared), ERR_AUTH);
        assert_int_equal(
            hpke_setup_sender(AEAD_CHACHA20_POLY1305, point.data, point, &rand_system, enc, &ctx), ERR_AUTH);
        assert_int_equal(hpke_setup_receiver(AEAD_CHACHA20_POLY1305, &key, point, point, &ctx), ERR_AUTH);
    }
    vec_free_all();
}

static void an_aead_of_another_nonce_length_is_no_hpke_aead(void **state)
{
    struct hpke_context ctx;

    (void)state;
    assert_int_equal(hpke_context_from_secret(HPKE_KEM_X25519, AEAD_XCHACHA20_POLY1305, slice_str("secret"),
                                              slice_str(""), &ctx),
                     ERR_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_9180_a1_with_aes_128_gcm),
        cmocka_unit_test(rfc_9180_a2_with_chacha20_poly1305),
        cmocka_unit_test(what_one_call_seals_one_call_opens),
        cmocka_unit_test(a_failed_open_does_not_move_the_sequence),
        cmocka_unit_test(points_of_small_order_are_refused),
        cmocka_unit_test(an_aead_of_another_nonce_length_is_no_hpke_aead),
    };

    if (crypto_init(NULL) != 0)
        return 99;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
