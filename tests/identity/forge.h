/* Identity updates that nobody's client would make: any action, signed by anybody in any slot, in
 * every form a wallet may give its signature. */
#pragma once
#include "crypto/ed25519.h"
#include "crypto/eth.h"
#include "identity/state.h"
#include "identity/update.h"

enum wallet_style {
    WALLET_PLAIN, /* low s, v 27 or 28 */
    WALLET_V_0_1,
    WALLET_V_37_38,
    WALLET_HIGH_S_FLIPPED, /* a correct signature of high s */
    WALLET_HIGH_S_KEPT     /* s negated, v left alone */
};

/* One of the three signs; or the signature is given. */
struct signer {
    const struct eth_key *wallet;
    enum wallet_style style;
    const struct ed25519_key *installation;
    struct slice ready; /* a Signature message */
};
#define BY_WALLET(key)            ((struct signer){.wallet = (key)})
#define BY_WALLET_STYLE(key, how) ((struct signer){.wallet = (key), .style = (how)})
#define BY_INSTALLATION(key)      ((struct signer){.installation = (key)})
#define BY_READY(bytes)           ((struct signer){.ready = (bytes)})

struct forged_action {
    enum identity_action_kind kind;
    struct ident subject;
    uint64_t nonce;
    struct signer by, by_new;
};

/* What the parties sign.  Ended by buf_free(). */
struct buf forge_text(const char *inbox_id, uint64_t timestamp_ns, const struct forged_action *actions,
                      size_t n);
/* The update.  Ended by bytes_free(). */
struct bytes forge(const char *inbox_id, uint64_t timestamp_ns, const struct forged_action *actions,
                   size_t n);
