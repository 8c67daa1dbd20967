/* Identity updates as they travel (xmtp.identity.associations.IdentityUpdate), and the text that all
 * their signatures sign.
 *
 * Parsing keeps the bytes as received and points into them; verifying the signatures is verify.h,
 * what an update does to an inbox is state.h, making one is request.h.
 * Thread: any; an update belongs to one. */
#pragma once
#include "base/bytes.h"
#include "identity/ident.h"
#include "identity/pool.h"

#include <stddef.h>
#include <stdint.h>

struct err;

enum signature_kind {
    SIGNATURE_ERC_191 = 1,      /* of a wallet */
    SIGNATURE_ERC_6492 = 2,     /* of a smart contract wallet */
    SIGNATURE_INSTALLATION = 3, /* Ed25519ph */
    SIGNATURE_LEGACY = 4,       /* of a key of the old protocol that a wallet vouched for */
    SIGNATURE_PASSKEY = 5
};

/* Not verified yet.  Which members mean something depends on `kind`. */
struct identity_signature {
    enum signature_kind kind;
    struct slice raw;        /* the whole Signature message: equal bytes, equal signature */
    struct slice bytes;      /* all kinds: the signature proper (legacy: by the delegated key) */
    struct slice public_key; /* installation, passkey */
    struct slice account_id; /* smart contract wallet: CAIP-10, well-formed */
    uint64_t block_number;   /* smart contract wallet */
    struct slice authenticator_data, client_data_json; /* passkey */
    struct slice key_bytes;        /* legacy: the delegated key, a serialised UnsignedPublicKey */
    struct slice wallet_signature; /* legacy: r and s of the wallet over that key */
    uint8_t wallet_recovery;       /* legacy: its v */
};

enum identity_action_kind {
    ACTION_CREATE = 1,
    ACTION_ADD = 2,
    ACTION_REVOKE = 3,
    ACTION_CHANGE_RECOVERY = 4
};

struct identity_action {
    enum identity_action_kind kind;
    struct ident subject; /* the owner, the new member, the revoked one, the new recovery identifier */
    uint64_t nonce;       /* create */
    struct identity_signature by;     /* owner, existing member, recovery identifier */
    struct identity_signature by_new; /* add: the new member's own */
};

struct identity_update {
    struct slice raw; /* as received */
    struct slice inbox_id;
    uint64_t client_timestamp_ns;
    struct identity_action *actions;
    size_t actions_n;
    struct pool pool; /* holds everything above */
};

/* Over this an update is refused before it is looked at: the node's own limit on requests is far
 * higher, and 200 installations with all their signatures stay below. */
#define IDENTITY_UPDATE_MAX ((size_t)256 * 1024)

/* Copies `data`.  ERR_MALFORMED (protobuf, an action without kind, a signature or identifier that is
 * absent, an installation key that is no point, ...), ERR_TOOBIG, ERR_NOMEM. */
int identity_update_parse(struct slice data, struct identity_update *out, struct err *err);
void identity_update_free(struct identity_update *update); /* zeroed is fine */

/* The text that is signed (UTF-8, no NUL at the end): built from the parts, so that it can be had
 * before anybody has signed. */
void identity_text_put(struct buf *out, struct slice inbox_id, uint64_t client_timestamp_ns,
                       const struct identity_action *actions, size_t actions_n);
