/* Sources: WebAuthn Level 2 section 7.2; libxmtp VerifiedSignature::from_passkey. */
#include "identity/passkey.h"

#include "base/err.h"
#include "crypto/hash.h"
#include "crypto/p256.h"
#include "identity/client_data.h"

#include <sodium.h>

static int check_challenge(struct slice client_data_json, struct slice text, struct err *err)
{
    enum { VARIANT = sodium_base64_VARIANT_URLSAFE_NO_PADDING };
    struct buf expect = BUF_INIT, challenge = BUF_INIT;
    size_t len = sodium_base64_encoded_len(text.len, VARIANT);
    char *to;
    int r = client_data_challenge(client_data_json, &challenge);

    if (r == 0 && (to = (char *)buf_grow(&expect, len)) == NULL)
        r = ERR_NOMEM;
    if (r == 0) {
        sodium_bin2base64(to, len, text.data, text.len, VARIANT);
        r = slice_eq(buf_slice(&challenge), slice_str(to)) ? 0 : ERR_MALFORMED;
    }
    buf_free(&expect);
    buf_free(&challenge);
    return r == 0 ? 0
                  : err_set(err, r, "%s", r == ERR_NOMEM ? "out of memory"
                                                         : "a passkey's client data does not fit the text");
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
