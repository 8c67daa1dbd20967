/* Key packages as XMTP has them: made, looked into, checked.
 *
 * Without ff03 (X-Wing key) others seal welcomes to the init key with X25519.  ff04 (AEAD types of
 * pointers) goes with it: a package with ff04 alone makes the sender's whole commit fail.
 * Thread: any. */
#pragma once
#include "base/bytes.h"
#include "identity/credential.h"
#include "identity/ident.h"
#include "mls/mls.h"

#include <stdbool.h>
#include <stdint.h>

struct ed25519_key;
struct err;

/* Extension types beyond RFC 9420 that XMTP uses. */
enum xmtp_extension {
    XMTP_EXT_IMMUTABLE_METADATA = 0xf000,
    XMTP_EXT_MUTABLE_METADATA = 0xff00,
    XMTP_EXT_GROUP_MEMBERSHIP = 0xff01,
    XMTP_EXT_MUTABLE_PERMISSIONS = 0xff02,
    XMTP_EXT_WELCOME_WRAPPER = 0xff03,
    XMTP_EXT_WELCOME_POINTEE_AEAD = 0xff04
};

#define KEY_PACKAGE_BACKDATE_S 3600    /* not_before lies this far back, for clocks that go wrong */
#define KEY_PACKAGE_LIFETIME_S 7257600 /* not_after lies 84 days ahead */
#define KEY_PACKAGE_MAX        ((size_t)64 * 1024) /* with every extension known they have 1.7 KiB */

/* A fresh key package for this installation, with last_resort.  `out` is wiped by
 * mls_key_package_bundle_wipe(). */
int key_package_create(const struct ed25519_key *installation, const char inbox_id[INBOX_ID_LEN + 1],
                       uint64_t now_s, const struct rand *rand, struct mls_key_package_bundle *out,
                       struct err *err);
/* The same with both welcome extensions: welcomes come sealed to this X-Wing public key
 * (crypto/xwing.h), whose seed is kept with the other private parts, or by pointer. */
int key_package_create_xwing(const struct ed25519_key *installation, const char inbox_id[INBOX_ID_LEN + 1],
                             uint64_t now_s, struct slice xwing_public, const struct rand *rand,
                             struct mls_key_package_bundle *out, struct err *err);

/* What a leaf of ours says: in key packages, and in groups that we create.  `params` points into this
 * struct and to the key, so it is not copied. */
struct own_leaf {
    uint8_t credential[CREDENTIAL_LEN];
    uint8_t extensions[70]; /* one: application_id */
    struct mls_leaf_params params;
};
void own_leaf_init(struct own_leaf *leaf, const struct ed25519_key *installation,
                   const char inbox_id[INBOX_ID_LEN + 1], uint64_t now_s);

enum welcome_wrapper { WELCOME_WRAPPER_X25519 = 1, WELCOME_WRAPPER_XWING = 2 };

/* What XMTP reads in a key package; views into the bytes. */
struct key_package_view {
    struct mls_key_package mls;
    char inbox_id[INBOX_ID_LEN + 1]; /* of the credential */
    enum welcome_wrapper wrapper;    /* how to seal a welcome for it */
    struct slice wrapper_key;        /* ff03, or the init key */
    bool has_pointee_aead;           /* ff04 with ChaCha20-Poly1305: a welcome pointer will do */
};

enum key_package_fault {
    KEY_PACKAGE_OK,
    KEY_PACKAGE_EMPTY, /* the node has none */
    KEY_PACKAGE_MALFORMED,
    KEY_PACKAGE_INVALID,      /* signatures, suite, source, lifetime, extensions: see the text */
    KEY_PACKAGE_CREDENTIAL,   /* not a basic credential with an inbox id */
    KEY_PACKAGE_INSTALLATION, /* its key is not the installation asked for */
    KEY_PACKAGE_INBOX,        /* it names another inbox */
    KEY_PACKAGE_APPLICATION,  /* application_id is not the inbox id */
    KEY_PACKAGE_WRAPPER       /* ff03 or ff04 does not parse: other clients' whole commit would fail */
};
const char *key_package_fault_name(enum key_package_fault fault);

/* Everything libxmtp checks, and that it is the package of `installation` in `inbox_id` (either may
 * be empty: not compared, as for a node on upload).  0 with *out (may be NULL), or an error with
 * *fault (may be NULL). */
int key_package_check(struct slice data, struct slice installation, struct slice inbox_id, uint64_t now_s,
                      struct key_package_view *out, enum key_package_fault *fault, struct err *err);
