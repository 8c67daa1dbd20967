/* One published vector each, then the properties all four share. */
#include "tests/crypto/vec.h"

#include "base/err.h"
#include "crypto/aead.h"
#include "crypto/crypto.h"

#include <string.h>

static const char sunscreen[] =
    "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a20"
    "4966204920636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f722074686520"
    "6675747572652c2073756e73637265656e20776f756c642062652069742e";

struct published {
    enum aead_id id;
    const char *key, *nonce, *aad, *plain, *sealed;
};

static const struct published vectors[] = {
    /* The GCM specification, test cases 4 and 16 */
    {AEAD_AES_128_GCM, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
     "b16aedf5aa0de657ba637b39",
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa05"
     "1ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47"},
    {AEAD_AES_256_GCM, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
     "b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
     "c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"},
    /* RFC 8439 section 2.8.2 */
    {AEAD_CHACHA20_POLY1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7", sunscreen,
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b"
     "1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
     "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691"},
    /* draft-irtf-cfrg-xchacha-03 appendix A.3.1 */
    {AEAD_XCHACHA20_POLY1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "404142434445464748494a4b4c4d4e4f5051525354555657", "50515253c0c1c2c3c4c5c6c7", sunscreen,
     "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39"
     "ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
     "21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49"},
};

#define VECTORS_END (vectors + sizeof vectors / sizeof vectors[0])

static void each_gives_its_published_ciphertext(void **state)
{
    (void)state;
    for (const struct published *v = vectors; v < VECTORS_END; v++) {
        uint8_t out[256];
        struct slice plain = vec(v->plain), key = vec(v->key), nonce = vec(v->nonce);

        assert_int_equal(key.len, aead_key_len(v->id));
        assert_int_equal(nonce.len, aead_nonce_len(v->id));
        assert_int_equal(aead_seal(v->id, key.data, nonce.data, vec(v->aad), plain, out), 0);
        assert_hex(slice_of(out, plain.len + AEAD_TAG_LEN), v->sealed);
    }
    vec_free_all();
}

static void each_opens_in_place(void **state)
{
    (void)state;
    for (const struct published *v = vectors; v < VECTORS_END; v++) {
        struct slice sealed = vec(v->sealed);
        uint8_t here[256];

        memcpy(here, sealed.data, sealed.len);
        assert_int_equal(aead_open(v->id, vec(v->key).data, vec(v->nonce).data, vec(v->aad),
                                   slice_of(here, sealed.len), here),
                         0);
        assert_hex(slice_of(here, sealed.len - AEAD_TAG_LEN), v->plain);
    }
    vec_free_all();
}

static void a_changed_byte_or_a_cut_is_refused(void **state)
{
    (void)state;
    for (const struct published *v = vectors; v < VECTORS_END; v++) {
        struct slice sealed = vec(v->sealed), key = vec(v->key), nonce = vec(v->nonce), aad = vec(v->aad);
        uint8_t bent[256], out[256];

        for (size_t i = 0; i < sealed.len; i++) {
            memcpy(bent, sealed.data, sealed.len);
            bent[i] ^= 0x80;
            assert_int_equal(aead_open(v->id, key.data, nonce.data, aad, slice_of(bent, sealed.len), out),
                             ERR_AUTH);
            assert_int_equal(aead_open(v->id, key.data, nonce.data, aad, slice_of(sealed.data, i), out),
                             ERR_AUTH);
        }
        assert_int_equal(aead_open(v->id, key.data, nonce.data, slice_of(NULL, 0), sealed, out), ERR_AUTH);
    }
    vec_free_all();
}

static void a_refused_gcm_message_leaves_no_plaintext(void **state)
{
    static const uint8_t zeros[60];
    struct slice sealed = vec(vectors[0].sealed);
    uint8_t bent[256], out[256];

    (void)state;
    memcpy(bent, sealed.data, sealed.len);
    bent[sealed.len - 1] ^= 1;
    memset(out, 0xff, sizeof out);
    assert_int_equal(aead_open(vectors[0].id, vec(vectors[0].key).data, vec(vectors[0].nonce).data,
                               vec(vectors[0].aad), slice_of(bent, sealed.len), out),
                     ERR_AUTH);
    assert_memory_equal(out, zeros, sizeof zeros);
    vec_free_all();
}

static void nothing_can_be_sealed_too(void **state)
{
    static const uint8_t key[AEAD_KEY_MAX], nonce[AEAD_NONCE_MAX];
    struct slice none = slice_of(NULL, 0);

    (void)state;
    for (const struct published *v = vectors; v < VECTORS_END; v++) {
        uint8_t tag[AEAD_TAG_LEN], out[1];

        assert_int_equal(aead_seal(v->id, key, nonce, none, none, tag), 0);
        assert_int_equal(aead_open(v->id, key, nonce, none, bytes_of(tag), out), 0);
    }
}

static void an_unknown_aead_is_refused(void **state)
{
    static const uint8_t key[AEAD_KEY_MAX], nonce[AEAD_NONCE_MAX];
    uint8_t out[32] = {0};

    (void)state;
    assert_int_equal(aead_key_len((enum aead_id)9), 0);
    assert_int_equal(aead_nonce_len((enum aead_id)9), 0);
    assert_int_equal(aead_seal((enum aead_id)9, key, nonce, slice_str(""), slice_str("x"), out),
                     ERR_UNSUPPORTED);
    assert_int_equal(aead_open((enum aead_id)9, key, nonce, slice_str(""), bytes_of(out), out),
                     ERR_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_gives_its_published_ciphertext),
        cmocka_unit_test(each_opens_in_place),
        cmocka_unit_test(a_changed_byte_or_a_cut_is_refused),
        cmocka_unit_test(a_refused_gcm_message_leaves_no_plaintext),
        cmocka_unit_test(nothing_can_be_sealed_too),
        cmocka_unit_test(an_unknown_aead_is_refused),
    };

    if (crypto_init(NULL) != 0)
        return 99;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
