/* client.sign and client.verifySignature: texts signed by the key of an installation, in a domain of their own
 * (identity.md: Ed25519ph with a context), so that no such signature can pass for one of an identity update. */
#include "base/err.h"
#include "base/i18n.h"
#include "crypto/ed25519.h"
#include "identity/verify.h"
#include "sync/core.h"
#include "sync/rpc.h"

#include <string.h>

static int sign(struct rpc *rpc)
{
    struct ed25519_key key;
    uint8_t signature[ED25519_SIGNATURE_LEN];
    const char *text;
    int r = rpc_string(rpc, "text", true, &text);

    if (r != 0)
        return r;
    ed25519_from_seed(rpc->core->self.seed, &key);
    installation_sign_text(&key, slice_str(text), signature);
    ed25519_wipe(&key);
    rpc->result = json_pack("{s:o}", "signature", rpc_hex_json(signature, sizeof signature));
    return 0;
}

/* By this installation, where no other is named. */
static int verify(struct rpc *rpc)
{
    uint8_t signature[ED25519_SIGNATURE_LEN], installation[INSTALLATION_ID_LEN];
    const char *text;
    int r;

    if ((r = rpc_string(rpc, "text", true, &text)) != 0 ||
        (r = rpc_hex(rpc, "signature", signature, sizeof signature)) != 0)
        return r;
    if (!json_object_get(rpc->params, "installationId"))
        memcpy(installation, rpc->core->self.installation_id, sizeof installation);
    else if ((r = rpc_hex(rpc, "installationId", installation, sizeof installation)) != 0)
        return r;
    r = installation_verify_text(slice_of(installation, sizeof installation), slice_str(text),
                                 slice_of(signature, sizeof signature));
    rpc->result = json_pack("{s:b}", "valid", r == 0);
    return 0;
}

const struct rpc_method signature_methods[] = {
    {"client.sign", sign, NULL, 0},
    {"client.verifySignature", verify, NULL, 0},
    {NULL, NULL, NULL, 0},
};
