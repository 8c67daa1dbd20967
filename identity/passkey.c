/* Sources: WebAuthn Level 2 section 7.2; libxmtp VerifiedSignature::from_passkey. */
#include "identity/passkey.h"

#include "base/err.h"
#include "crypto/hash.h"
#include "crypto/p256.h"

#include <jansson.h>
#include <sodium.h>

/* Real client data has some 200 bytes and the challenge; nesting and size bound the JSON parser. */
#define CLIENT_DATA_MAX ((size_t)256 * 1024)

/* The string members `origin` and `challenge` of an object, or an array of just these two, which
 * libxmtp's JSON library takes for the same thing. */
static const char *challenge_of(const json_t *root)
{
    const json_t *origin = json_object_get(root, "origin"), *challenge = json_object_get(root, "challenge");

    if (json_is_array(root) && json_array_size(root) == 2) {
        origin = json_array_get(root, 0);
        challenge = json_array_get(root, 1);
    }
    return json_is_string(origin) && json_is_string(challenge) ? json_string_value(challenge) : NULL;
}

static int check_challenge(struct slice client_data_json, struct slice text, struct err *err)
{
    enum { VARIANT = sodium_base64_VARIANT_URLSAFE_NO_PADDING };
    json_t *root = NULL;
    struct buf expect = BUF_INIT;
    size_t len = sodium_base64_encoded_len(text.len, VARIANT);
    const char *challenge;
    char *to;
    int r = err_set(err, ERR_MALFORMED, "a passkey's client data does not fit the text");

    if (client_data_json.len > CLIENT_DATA_MAX)
        goto done;
    root =
        json_loadb((const char *)client_data_json.data, client_data_json.len, JSON_REJECT_DUPLICATES, NULL);
    if ((to = (char *)buf_grow(&expect, len)) == NULL) {
        r = err_set(err, ERR_NOMEM, "out of memory");
        goto done;
    }
    sodium_bin2base64(to, len, text.data, text.len, VARIANT);
    challenge = challenge_of(root);
    if (challenge != NULL && slice_eq(slice_str(challenge), slice_str(to)))
        r = 0;
done:
    buf_free(&expect);
    json_decref(root);
    return r;
}

int passkey_verify(struct slice public_key, struct slice signature, struct slice authenticator_data,
                   struct slice client_data_json, struct slice text, uint8_t raw[64], struct err *err)
{
    struct buf signed_data = BUF_INIT;
    uint8_t hash[HASH_SHA256_LEN];
    int r;

    if ((r = check_challenge(client_data_json, text, err)) != 0)
        return r;
    hash_sha256(client_data_json, hash);
    buf_put_slice(&signed_data, authenticator_data);
    buf_put(&signed_data, hash, sizeof hash);
    r = buf_ok(&signed_data) ? p256_verify(public_key, buf_slice(&signed_data), signature, raw) : ERR_NOMEM;
    if (r != 0)
        err_set(err, r, "a passkey's signature is wrong");
    buf_free(&signed_data);
    return r;
}
