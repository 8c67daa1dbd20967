/* MLS: the Messaging Layer Security protocol (RFC 9420).
 *
 * A library of its own: no I/O, no globals, no knowledge of who uses it.  Ciphersuites 0x0003
 * (MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519) and 0x0001 (the same with AES-128-GCM).
 * Randomness is an argument (base/rand.h), and so is time where it matters.
 *
 * How a group lives: it begins with mls_group_create() or mls_group_join(); each received message
 * goes through mls_group_process(), which changes nothing, and, if the caller agrees with the
 * result, mls_group_accept(); own messages come from mls_group_encrypt() and mls_commit_create().
 * mls_group_write() hands out every piece of state that changed since the last write, to be stored
 * in one transaction; mls_group_load() brings the group back from those pieces.  When a transaction
 * fails after accept, drop the object and load it again.
 *
 * Errors: ERR_MALFORMED bytes that do not parse; ERR_AUTH a signature, tag or ciphertext is wrong;
 * ERR_DENIED a rule of RFC 9420 is broken; ERR_CONFLICT a message of another epoch than it has to
 * be; ERR_EXISTS a message of our own; ERR_NOTFOUND its key was used before or is deleted;
 * ERR_TOOBIG a limit is passed; ERR_UNSUPPORTED an unknown suite, or a form that the config refuses;
 * ERR_STATE the call does not fit (group inactive, or reinitialized, so that nothing is sent there any
 * more); ERR_CORRUPT a stored piece does not decode; ERR_NOMEM.  Whatever fails leaves the group and its
 * stored state as they were.
 *
 * Thread: any one thread at a time, together with everything that came from the same group. */
#pragma once
#include "base/bytes.h"
#include "base/rand.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct mls_group;
struct mls_processed;
struct mls_staged_commit;

#define MLS_HASH_LEN 32      /* SHA-256 in both suites */
#define MLS_KEY_LEN 32       /* X25519 and Ed25519, public and private */
#define MLS_SIGNATURE_LEN 64 /* Ed25519 */

enum mls_suite_id { MLS_SUITE_AES128 = 0x0001, MLS_SUITE_CHACHA20 = 0x0003 };
enum mls_credential_type { MLS_CREDENTIAL_BASIC = 1, MLS_CREDENTIAL_X509 = 2 };
enum mls_leaf_source { MLS_LEAF_KEY_PACKAGE = 1, MLS_LEAF_UPDATE = 2, MLS_LEAF_COMMIT = 3 };
enum mls_extension_type {
    MLS_EXT_APPLICATION_ID = 1,
    MLS_EXT_RATCHET_TREE = 2,
    MLS_EXT_REQUIRED_CAPABILITIES = 3,
    MLS_EXT_EXTERNAL_PUB = 4,
    MLS_EXT_EXTERNAL_SENDERS = 5,
    MLS_EXT_LAST_RESORT = 10
};
enum mls_proposal_type {
    MLS_PROPOSAL_ADD = 1,
    MLS_PROPOSAL_UPDATE = 2,
    MLS_PROPOSAL_REMOVE = 3,
    MLS_PROPOSAL_PSK = 4,
    MLS_PROPOSAL_REINIT = 5,
    MLS_PROPOSAL_EXTERNAL_INIT = 6,
    MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS = 7
};
enum mls_wire_format {
    MLS_WIRE_PUBLIC_MESSAGE = 1,
    MLS_WIRE_PRIVATE_MESSAGE = 2,
    MLS_WIRE_WELCOME = 3,
    MLS_WIRE_GROUP_INFO = 4,
    MLS_WIRE_KEY_PACKAGE = 5
};
enum mls_content_type { MLS_CONTENT_APPLICATION = 1, MLS_CONTENT_PROPOSAL = 2, MLS_CONTENT_COMMIT = 3 };
enum mls_sender_type {
    MLS_SENDER_MEMBER = 1,
    MLS_SENDER_EXTERNAL = 2,
    MLS_SENDER_NEW_MEMBER_PROPOSAL = 3,
    MLS_SENDER_NEW_MEMBER_COMMIT = 4
};

/* ---- Extension lists -------------------------------------------------------------------------
 * A list travels as the bytes inside its vector: type, length-prefixed data, type, ...  Order is
 * data.  Lists that come out of this library are well-formed and free of duplicates. */

/* Takes the first extension off `*list`; false at the end (or at bytes that do not parse). */
bool mls_extension_next(struct slice *list, uint16_t *type, struct slice *data);
bool mls_extension_find(struct slice list, uint16_t type, struct slice *data);
/* Appends one; `list` holds the bytes inside the vector. */
void mls_extension_put(struct buf *list, uint16_t type, struct slice data);
/* ERR_MALFORMED for bytes that are no list, or one with a type twice. */
int mls_extensions_check(struct slice list, struct err *err);

/* required_capabilities (RFC 9420 section 11.1): a body for extension type 3. */
struct mls_u16s {
    const uint16_t *v;
    size_t n;
};
void mls_required_capabilities_put(struct buf *body, struct mls_u16s extensions, struct mls_u16s proposals,
                                   struct mls_u16s credentials);

/* ---- Leaves and key packages ------------------------------------------------------------------ */

/* Lists of a received leaf: big-endian 16-bit numbers, unknown ones included. */
struct mls_capabilities {
    struct slice versions, suites, extensions, proposals, credentials;
};
bool mls_u16_list_has(struct slice list, uint16_t value);

/* A view of a leaf node (RFC 9420 section 7.2); slices point into the owner's bytes. */
struct mls_leaf {
    struct slice raw; /* the whole serialised leaf */
    struct slice encryption_key, signature_key;
    uint16_t credential_type;
    struct slice credential; /* identity of a basic credential, the certificate list of X.509 */
    struct mls_capabilities capabilities;
    uint8_t source;                  /* enum mls_leaf_source */
    uint64_t not_before, not_after;  /* seconds since 1970; source key_package only */
    struct slice parent_hash;        /* source commit only */
    struct slice extensions;         /* list */
    struct slice signature;
    size_t tbs_len; /* the first bytes of `raw`, everything before the signature */
};

/* The Ed25519 key pair that signs for us.  Borrowed during the call. */
struct mls_signer {
    const uint8_t *seed;       /* 32 bytes */
    const uint8_t *public_key; /* 32 bytes */
};

/* What a new leaf of ours says. */
struct mls_leaf_params {
    struct mls_signer signer;
    struct slice credential; /* identity of a basic credential */
    struct mls_u16s versions, suites, extension_types, proposal_types, credential_types; /* capabilities */
    struct slice extensions; /* list */
    uint64_t not_before, not_after; /* seconds since 1970 */
};

/* A view of a key package; slices point into the parsed bytes. */
struct mls_key_package {
    struct slice raw;
    uint16_t version, suite;
    struct slice init_key;
    struct mls_leaf leaf;
    struct slice extensions; /* list */
    struct slice signature;
    size_t tbs_len;
};

/* A key package of our own with its private parts. */
struct mls_key_package_bundle {
    struct bytes data; /* the bare KeyPackage, not in an MLSMessage */
    uint8_t ref[MLS_HASH_LEN];
    uint8_t init_public[MLS_KEY_LEN], init_private[MLS_KEY_LEN];
    uint8_t leaf_public[MLS_KEY_LEN], leaf_private[MLS_KEY_LEN];
};

/* `extensions`: the key package's own list. */
int mls_key_package_create(uint16_t suite, const struct mls_leaf_params *leaf, struct slice extensions,
                           const struct rand *rand, struct mls_key_package_bundle *out, struct err *err);
void mls_key_package_bundle_wipe(struct mls_key_package_bundle *bundle);

/* Parses exactly `data`; ERR_MALFORMED (duplicate extension types too).  Checks nothing else. */
int mls_key_package_parse(struct slice data, struct mls_key_package *out, struct err *err);
/* KeyPackageRef (RFC 9420 section 5.2) of the serialised key package. */
void mls_key_package_ref(struct slice key_package, uint8_t ref[MLS_HASH_LEN]);

/* What may be wrong with a key package that parses; each is reported on its own. */
enum mls_key_package_fault {
    MLS_KP_SUITE = 1 << 0,          /* a suite that this library does not have */
    MLS_KP_VERSION = 1 << 1,        /* not mls10 */
    MLS_KP_LEAF_SOURCE = 1 << 2,    /* the leaf is not of source key_package */
    MLS_KP_LEAF_SIGNATURE = 1 << 3, /* under its own signature key */
    MLS_KP_INIT_KEY = 1 << 4,       /* init key equals the leaf's encryption key, or is no X25519 key */
    MLS_KP_SIGNATURE = 1 << 5,
    MLS_KP_EXTENSIONS = 1 << 6,     /* one over type 5 that the capabilities do not list */
    MLS_KP_LEAF_EXTENSIONS = 1 << 7,/* the same in the leaf */
    MLS_KP_LIFETIME = 1 << 8,       /* not (not_before < now < not_after) */
    MLS_KP_CREDENTIAL = 1 << 9,     /* not basic */
    MLS_KP_CAPABILITIES = 1 << 10,  /* its own suite, version or credential type is not listed */
    MLS_KP_NOMEM = 1 << 11          /* not the key package's: no memory to check a signature */
};
/* The faults among `which` (a set of the above; ~0u for all); 0 when there are none.  `now_s`:
 * seconds since 1970. */
unsigned mls_key_package_faults(const struct mls_key_package *kp, unsigned which, uint64_t now_s);
/* One word for the lowest fault of the set, for logs. */
const char *mls_key_package_fault_name(unsigned faults);

/* ---- Looking at messages without a group ------------------------------------------------------ */

struct mls_message_view {
    uint16_t wire_format;          /* enum mls_wire_format */
    struct slice group_id;         /* public and private messages */
    uint64_t epoch;
    uint8_t content_type;          /* enum mls_content_type */
    struct slice body;             /* the bytes after version and wire format */
};
/* Parses the framing of exactly one MLSMessage. */
int mls_message_peek(struct slice message, struct mls_message_view *out, struct err *err);

/* Whether the Welcome (an MLSMessage) has secrets for the key package of this reference. */
bool mls_welcome_is_for(struct slice welcome, const uint8_t ref[MLS_HASH_LEN]);

/* ---- Configuration ----------------------------------------------------------------------------- */

enum mls_config_flag {
    MLS_ALLOW_PUBLIC_MESSAGE = 1 << 0,
    MLS_ALLOW_PROPOSALS = 1 << 1, /* standalone proposals, commits that refer to them, Updates */
    MLS_ALLOW_PSK = 1 << 2,
    MLS_ALLOW_EXTERNAL = 1 << 3,  /* external commits, new-member and external-sender proposals */
    MLS_ALLOW_REINIT = 1 << 4,
    MLS_CHECK_LIFETIMES = 1 << 5, /* of other members' leaves, against `now_s` */
    MLS_ALLOW_UNREQUIRED_EXTENSIONS = 1 << 6, /* group extensions that required_capabilities does not name:
                                                 RFC 9420 has them, OpenMLS refuses the commit */
    MLS_ALLOW_UNLISTED_EXTENSIONS = 1 << 7    /* of an added key package (not its leaf), types that its
                                                 capabilities do not list: RFC 9420 section 10 has receivers
                                                 ignore them, OpenMLS refuses the commit */
};

/* Not part of the stored state: given anew at each load. */
struct mls_config {
    unsigned flags;
    uint32_t out_of_order_tolerance; /* default 5 */
    uint32_t max_forward_distance;   /* default 1000 */
    uint32_t past_epochs;            /* whose application messages stay readable; default 3 */
    uint32_t resumption_psks;        /* past epochs whose resumption PSK is kept; default 0 */
    uint32_t max_leaves;             /* default 65536, a power of two */
    uint64_t now_s;                  /* for MLS_CHECK_LIFETIMES */
    struct mls_u16s not_in_leaves;   /* extension types of the application that no leaf may carry */
    /* External PSKs by id, and resumption PSKs (usage, group id, epoch) that the group does not keep
     * itself.  0 with *out, which the library wipes; ERR_NOTFOUND.  NULL: none. */
    int (*psk)(void *ctx, struct slice psk_id, struct slice resumption_group_id, uint64_t resumption_epoch,
               struct bytes *out);
    void *psk_ctx;
};
/* The defaults above, no flag set. */
struct mls_config mls_config_default(void);

/* ---- Stored state ------------------------------------------------------------------------------ */

/* A piece is found again by these three numbers; their meaning is the library's. */
struct mls_piece_key {
    uint16_t kind;
    uint64_t epoch;
    uint32_t index;
};
#define MLS_PIECE_ALL UINT32_MAX /* as the index of a deletion: all of that kind and epoch */

/* Pieces hold secrets: the store seals them. */
struct mls_piece_sink {
    /* Stores `data` under `key`, or deletes it where data.data is NULL (deleting what is not there
     * is fine).  Nonzero stops the write and is returned by it. */
    int (*put)(void *ctx, const struct mls_piece_key *key, struct slice data, struct err *err);
    void *ctx;
};
struct mls_piece_source {
    /* 0 with *out, which the library wipes and frees; ERR_NOTFOUND; any other error stops. */
    int (*get)(void *ctx, const struct mls_piece_key *key, struct bytes *out, struct err *err);
    void *ctx;
};

/* Emits each piece that changed since the last successful write (or load).  After an error
 * everything counts as unwritten still. */
int mls_group_write(struct mls_group *group, const struct mls_piece_sink *sink, struct err *err);
/* Some pieces are read later, when a message needs them, so `source` (copied) and its ctx stay
 * usable as long as the group; it must see what mls_group_write() has stored.  Before the pieces of
 * another group state of the same id are written (a second join), the old ones must be deleted. */
int mls_group_load(const struct mls_config *config, const struct mls_piece_source *source,
                   struct mls_group **out, struct err *err);
/* True while something waits for mls_group_write(). */
bool mls_group_is_dirty(const struct mls_group *group);

/* ---- Groups ------------------------------------------------------------------------------------ */

/* A group of one at epoch 0.  `extensions`: the GroupContext's list in this order. */
int mls_group_create(const struct mls_config *config, uint16_t suite, struct slice group_id,
                     const struct mls_leaf_params *leaf, struct slice extensions, const struct rand *rand,
                     struct mls_group **out, struct err *err);

struct mls_join_params {
    struct slice welcome;      /* MLSMessage */
    struct slice key_package;  /* the bare KeyPackage it was made for */
    const uint8_t *init_private, *leaf_private; /* 32 bytes each */
    struct slice ratchet_tree; /* ratchet_tree<V> given out of band; empty when it is in the GroupInfo */
};
/* ERR_NOTFOUND when the Welcome is not for this key package.  *adder_leaf: who signed the
 * GroupInfo; may be NULL. */
int mls_group_join(const struct mls_config *config, const struct mls_join_params *params,
                   struct mls_group **out, uint32_t *adder_leaf, struct err *err);
void mls_group_free(struct mls_group *group); /* NULL is fine */

uint16_t mls_group_suite(const struct mls_group *group);
/* Borrowed until the next accept or merge, like all slices below. */
struct slice mls_group_id(const struct mls_group *group);
uint64_t mls_group_epoch(const struct mls_group *group);
/* MLS_HASH_LEN bytes each.  Of an inactive group the authenticator is the last one it knew. */
struct slice mls_group_epoch_authenticator(const struct mls_group *group);
struct slice mls_group_tree_hash(const struct mls_group *group);
struct slice mls_group_confirmed_transcript_hash(const struct mls_group *group); /* empty at epoch 0 */
struct slice mls_group_extensions(const struct mls_group *group); /* list */
bool mls_group_is_active(const struct mls_group *group);          /* false once we are removed */
uint32_t mls_group_own_leaf_index(const struct mls_group *group);
/* One more than the highest leaf index that may be in use. */
uint32_t mls_group_leaf_count(const struct mls_group *group);
uint32_t mls_group_member_count(const struct mls_group *group);
/* NULL for a blank leaf or an index out of range. */
const struct mls_leaf *mls_group_leaf(const struct mls_group *group, uint32_t leaf_index);
bool mls_group_find_leaf(const struct mls_group *group, struct slice signature_key, uint32_t *leaf_index);
/* MLS-Exporter (RFC 9420 section 8.5). */
int mls_group_export(const struct mls_group *group, const char *label, struct slice context, size_t len,
                     uint8_t *out, struct err *err);
/* Whether the group can take this key package in a commit that also adds `with` and removes the leaves
 * `removes`: suite, version, capabilities against the required ones and the context's extensions, keys
 * in use nowhere else.  0, or ERR_DENIED with the reason. */
int mls_group_can_add(const struct mls_group *group, const struct mls_key_package *kp,
                      const struct mls_key_package *with, size_t with_n, const uint32_t *removes, size_t removes_n,
                      struct err *err);

/* ---- Received messages ------------------------------------------------------------------------- */

/* Decrypts and verifies one MLSMessage.  Nothing observable changes: the same message can be
 * processed again, and another one with the same generation too. */
int mls_group_process(struct mls_group *group, struct slice message, struct mls_processed **out, struct err *err);
/* Applies the result in memory: an application message or proposal advances the sender's ratchet, a
 * commit is merged.  ERR_STATE when the group has moved on since.  Ends `processed` in any case. */
int mls_group_accept(struct mls_group *group, struct mls_processed *processed, struct err *err);
/* Without accept: the group stays as before.  NULL is fine. */
void mls_processed_free(struct mls_processed *processed);

struct mls_message_info {
    uint8_t content_type;   /* enum mls_content_type */
    uint16_t wire_format;
    uint64_t epoch;
    uint8_t sender_type;    /* enum mls_sender_type */
    uint32_t sender_leaf;   /* of a member */
    struct slice sender_signature_key; /* as of the message's epoch */
    uint16_t sender_credential_type;
    struct slice sender_credential;
    uint32_t generation;    /* private messages */
    struct slice authenticated_data;
    struct slice plaintext; /* application messages */
    struct slice proposal;  /* proposals: serialised */
    uint8_t proposal_ref[MLS_HASH_LEN];
    const struct mls_staged_commit *commit; /* commits */
};
/* Borrowed, as long as `processed`. */
const struct mls_message_info *mls_processed_info(const struct mls_processed *processed);

/* ---- Staged commits ---------------------------------------------------------------------------- */

/* The state that a commit leads to, before it is merged. */
struct mls_commit_info {
    uint64_t epoch;          /* the new one */
    bool is_external;        /* by somebody who joins with it */
    uint32_t committer_leaf; /* of an external commit: the leaf it gets */
    bool removes_us;
    const struct mls_leaf *path_leaf; /* the committer's new leaf, NULL without a path */
    size_t proposals_n;
    struct slice group_context;  /* serialised, new */
    struct slice extensions;     /* list, new */
    struct slice tree_hash, confirmed_transcript_hash;
    struct slice epoch_authenticator; /* empty when removes_us */
};
const struct mls_commit_info *mls_staged_commit_info(const struct mls_staged_commit *staged);

struct mls_proposal_info {
    uint16_t type; /* enum mls_proposal_type, or one that only later versions know */
    uint8_t sender_type;
    uint32_t sender_leaf;
    bool by_reference;
    uint32_t leaf_index;            /* add: the new leaf; remove: the removed one; update: the sender's */
    struct mls_key_package key_package; /* add */
    const struct mls_leaf *leaf;    /* add, update: the new leaf; remove: the removed one */
    struct slice extensions;        /* group_context_extensions: the whole new list */
    struct slice raw;               /* the serialised proposal */
};
/* In the order of the commit; false past the end.  Borrowed, as long as `staged`. */
bool mls_staged_commit_proposal(const struct mls_staged_commit *staged, size_t i, struct mls_proposal_info *out);
/* The tree after the commit. */
uint32_t mls_staged_commit_leaf_count(const struct mls_staged_commit *staged);
const struct mls_leaf *mls_staged_commit_leaf(const struct mls_staged_commit *staged, uint32_t leaf_index);

/* To keep an own commit until it comes back from the network.  The bytes hold secrets; read needs
 * the group in the epoch that the commit was made in (else ERR_CONFLICT). */
int mls_staged_commit_write(const struct mls_staged_commit *staged, const struct mls_group *group,
                            struct bytes *out, struct err *err);
int mls_staged_commit_read(const struct mls_group *group, struct slice data, struct mls_staged_commit **out,
                           struct err *err);
void mls_staged_commit_free(struct mls_staged_commit *staged);
/* Makes the own commit the group's state.  ERR_CONFLICT when the group is no longer in the epoch it
 * was made in.  Ends `staged` in any case. */
int mls_group_merge(struct mls_group *group, struct mls_staged_commit *staged, struct err *err);

/* ---- Own messages ------------------------------------------------------------------------------ */

/* A PrivateMessage with `plaintext`.  Uses up a generation: write the group in the transaction that
 * remembers the message. */
int mls_group_encrypt(struct mls_group *group, const struct mls_signer *signer, struct slice authenticated_data,
                      struct slice plaintext, const struct rand *rand, struct bytes *out, struct err *err);

struct mls_commit_params {
    struct mls_signer signer;
    const struct slice *adds; /* bare key packages that mls_key_package_faults() found none in */
    size_t adds_n;
    const uint32_t *removes; /* leaf indices */
    size_t removes_n;
    const struct slice *extensions; /* the whole new GroupContext list; NULL: no such proposal */
    const struct slice *more;       /* serialised proposals, put at the end */
    size_t more_n;
    bool with_pending;    /* refer to the received proposals that were accepted */
    bool force_path;
    bool public_message;  /* instead of a PrivateMessage */
    struct slice authenticated_data;
};
struct mls_commit_result {
    struct bytes message; /* MLSMessage for the group */
    struct bytes welcome; /* MLSMessage for all who are added; empty without adds */
    struct mls_staged_commit *staged;
};
/* Proposals on the wire: adds, extensions, removes, more, references.  The group is unchanged, its
 * handshake generation too; any number of commits can be made in one epoch, of which one is merged. */
int mls_commit_create(struct mls_group *group, const struct mls_commit_params *params, const struct rand *rand,
                      struct mls_commit_result *out, struct err *err);
void mls_commit_result_free(struct mls_commit_result *result);

/* A standalone proposal (serialised in `proposal`) as MLSMessage; it is also kept as pending. */
int mls_proposal_create(struct mls_group *group, const struct mls_signer *signer, struct slice proposal,
                        bool public_message, const struct rand *rand, struct bytes *out, struct err *err);

/* GroupInfo (MLSMessage) with ratchet_tree and external_pub, for those who join by external commit. */
int mls_group_info_create(const struct mls_group *group, const struct mls_signer *signer, struct bytes *out,
                          struct err *err);
/* Joins by external commit; `message` goes to the group, and `*out` is in the new epoch already. */
int mls_group_join_external(const struct mls_config *config, struct slice group_info,
                            const struct mls_leaf_params *leaf, const struct rand *rand, struct bytes *message,
                            struct mls_group **out, struct err *err);
