/* Who signed?  From signatures to signers, to the letter what libxmtp does: every participant has to
 * reach the same answer, or groups fork.
 *
 * Thread: any, but for the verifier's own demands. */
#pragma once
#include "identity/ident.h"
#include "identity/update.h"

#include <stdbool.h>
#include <stdint.h>

struct err;

/* Smart contract wallets are asked on a chain, which only the caller can do. */
struct scw_verifier {
    /* Is `signature` one of `account_id` (CAIP-10) over `hash`, as of `block_number`?  Returns 0 with
     * *is_valid, or an error when nobody knows (ERR_OFFLINE, ...): the update is then neither valid
     * nor invalid, and has to be tried again. */
    int (*verify)(void *ctx, struct slice account_id, uint64_t block_number, const uint8_t hash[32],
                  struct slice signature, bool *is_valid, struct err *err);
    void *ctx;
};

struct verified_signature {
    enum signature_kind kind;
    struct ident signer; /* points into the pool */
    struct slice replay; /* the bytes that may not come again in this inbox */
    bool has_chain_id;   /* smart contract wallets only */
    uint64_t chain_id;
};

/* One signature over `text`.  Results live in `pool`.  `verifier` NULL: smart contract wallets give
 * ERR_UNSUPPORTED.
 * ERR_AUTH (signature wrong), ERR_MALFORMED, ERR_NOMEM, what the verifier says. */
int signature_verify(const struct identity_signature *signature, struct slice text,
                     const struct scw_verifier *verifier, struct pool *pool, struct verified_signature *out,
                     struct err *err);

struct verified_action {
    struct verified_signature by, by_new;
};
/* All signatures of an update: array of update->actions_n in `pool`.  Equal signature bytes are
 * verified once. */
int identity_update_verify(const struct identity_update *update, const struct scw_verifier *verifier,
                           struct pool *pool, struct verified_action **out, struct err *err);

/* "Sign with the installation key" for applications: Ed25519ph under its own context. */
struct ed25519_key;
void installation_sign_text(const struct ed25519_key *key, struct slice text, uint8_t out[64]);
int installation_verify_text(struct slice installation, struct slice text, struct slice signature);

extern const char identity_signature_context[]; /* of identity updates */
