/* The structures of RFC 9420 on the wire: views into the parsed bytes, and how to write them.
 *
 * parse_* functions take a reader and leave it bad when the bytes do not fit; views point into the
 * input.  Lengths of keys and hashes are not checked here (other suites have others) but where they
 * are used.  put_* functions write into a sticky buf.  Thread: any. */
#pragma once
#include "base/bytes.h"
#include "base/reader.h"
#include "mls/mls.h"

#include <stdbool.h>
#include <stdint.h>

/* The longest vector of the format; what is really left bounds it first. */
#define MLS_VEC_MAX ((1u << 30) - 1)

/* Writes the length prefix of a vector; returns its length, 1, 2 or 4. */
size_t mls_vec_prefix(size_t len, uint8_t out[4]);
/* The bytes between `start` and where the reader is now. */
struct slice mls_since(const uint8_t *start, const struct reader *r);
/* optional<T>: one byte, 0 or 1. */
bool mls_read_optional(struct reader *r);

/* leaf.c */
bool mls_parse_extensions(struct reader *r, struct slice *out); /* well-formed, duplicates pass */
bool mls_parse_leaf(struct reader *r, struct mls_leaf *out);
void mls_put_leaf(struct buf *b, const struct mls_leaf *leaf); /* from the fields, not `raw` */
/* LeafNodeTBS: group id and leaf index count for the sources update and commit. */
void mls_put_leaf_tbs(struct buf *b, const struct mls_leaf *leaf, struct slice group_id, uint32_t leaf_index);
/* ERR_AUTH, ERR_NOMEM. */
int mls_leaf_verify(const struct mls_leaf *leaf, struct slice group_id, uint32_t leaf_index);
/* Lists of 16-bit numbers for capabilities. */
void mls_put_u16s(struct buf *b, struct mls_u16s list);

/* key_package.c */
bool mls_parse_key_package(struct reader *r, struct mls_key_package *out);
void mls_put_key_package(struct buf *b, const struct mls_key_package *kp);

/* HPKECiphertext */
struct mls_hpke_ciphertext {
    struct slice kem_output, ciphertext;
};
bool mls_parse_hpke_ciphertext(struct reader *r, struct mls_hpke_ciphertext *out);
void mls_put_hpke_ciphertext(struct buf *b, const struct mls_hpke_ciphertext *ct);

/* PreSharedKeyID (section 8.4) */
enum mls_psk_type { MLS_PSK_EXTERNAL = 1, MLS_PSK_RESUMPTION = 2 };
enum mls_psk_usage { MLS_PSK_APPLICATION = 1, MLS_PSK_REINIT = 2, MLS_PSK_BRANCH = 3 };
struct mls_psk_id {
    uint8_t type;
    struct slice psk_id; /* external */
    uint8_t usage;       /* resumption */
    struct slice group_id;
    uint64_t epoch;
    struct slice nonce;
    struct slice raw;
};
bool mls_parse_psk_id(struct reader *r, struct mls_psk_id *out);
void mls_put_psk_id(struct buf *b, const struct mls_psk_id *id);

/* Proposal (section 12.1) */
struct mls_proposal {
    uint16_t type;
    struct slice raw;
    struct mls_key_package key_package; /* add */
    struct mls_leaf leaf;               /* update */
    uint32_t removed;                   /* remove */
    struct mls_psk_id psk;
    struct slice group_id; /* reinit */
    uint16_t version, suite;
    struct slice kem_output; /* external_init */
    struct slice extensions; /* group_context_extensions, reinit */
};
/* The body alone, for a type read elsewhere; an unknown type makes the reader bad. */
bool mls_parse_proposal_body(struct reader *r, uint16_t type, struct mls_proposal *out);
bool mls_parse_proposal(struct reader *r, struct mls_proposal *out);
void mls_put_proposal_body(struct buf *b, const struct mls_proposal *p);
void mls_put_proposal(struct buf *b, const struct mls_proposal *p);

/* Commit (section 12.4), UpdatePath (section 7.6) */
struct mls_update_path {
    struct mls_leaf leaf;
    struct slice nodes; /* UpdatePathNode list, taken apart with mls_next_path_node() */
    uint32_t nodes_n;
};
struct mls_path_node {
    struct slice encryption_key;
    struct slice secrets; /* HPKECiphertext list */
};
bool mls_parse_update_path(struct reader *r, struct mls_update_path *out);
void mls_put_update_path(struct buf *b, const struct mls_update_path *path);
/* Takes the next one off `nodes`; they were seen to parse. */
bool mls_next_path_node(struct slice *nodes, struct mls_path_node *out);
uint32_t mls_count_ciphertexts(struct slice secrets);

struct mls_proposal_or_ref {
    bool is_ref;
    struct mls_proposal proposal;
    struct slice ref;
};
struct mls_commit {
    struct slice proposals; /* ProposalOrRef list */
    bool has_path;
    struct mls_update_path path;
};
bool mls_parse_commit(struct reader *r, struct mls_commit *out);
void mls_put_commit(struct buf *b, const struct mls_commit *commit);
bool mls_next_proposal(struct slice *list, struct mls_proposal_or_ref *out);

/* GroupContext, GroupInfo (sections 8.1 and 12.4.3) */
struct mls_group_context {
    uint16_t version, suite;
    struct slice group_id;
    uint64_t epoch;
    struct slice tree_hash, confirmed_transcript_hash, extensions;
};
bool mls_parse_group_context(struct reader *r, struct mls_group_context *out);
void mls_put_group_context(struct buf *b, const struct mls_group_context *context);

struct mls_group_info {
    struct mls_group_context context;
    struct slice context_raw, extensions, confirmation_tag;
    uint32_t signer;
    struct slice signature;
    struct slice tbs; /* everything before the signature */
};
bool mls_parse_group_info(struct reader *r, struct mls_group_info *out);
void mls_put_group_info(struct buf *b, const struct mls_group_info *info);

/* Welcome, GroupSecrets (section 12.4.3.1) */
struct mls_welcome {
    uint16_t suite;
    struct slice secrets; /* EncryptedGroupSecrets list */
    struct slice encrypted_group_info;
};
struct mls_encrypted_secrets {
    struct slice ref;
    struct mls_hpke_ciphertext ciphertext;
};
bool mls_parse_welcome(struct reader *r, struct mls_welcome *out);
void mls_put_welcome(struct buf *b, const struct mls_welcome *welcome);
bool mls_next_encrypted_secrets(struct slice *list, struct mls_encrypted_secrets *out);

struct mls_group_secrets {
    struct slice joiner_secret;
    bool has_path_secret;
    struct slice path_secret;
    struct slice psks; /* PreSharedKeyID list */
};
bool mls_parse_group_secrets(struct reader *r, struct mls_group_secrets *out);
void mls_put_group_secrets(struct buf *b, const struct mls_group_secrets *secrets);

/* Framing (section 6) */
struct mls_sender {
    uint8_t type;
    uint32_t leaf; /* member: leaf index; external: index of the sender */
};
struct mls_framed_content {
    struct slice group_id;
    uint64_t epoch;
    struct mls_sender sender;
    struct slice authenticated_data;
    uint8_t content_type;
    struct slice body;         /* application data without prefix; proposal or commit serialised */
    struct mls_proposal proposal;
    struct mls_commit commit;
};
struct mls_content_auth {
    struct slice signature, confirmation_tag;
};
struct mls_authenticated_content {
    uint16_t wire_format;
    struct mls_framed_content content;
    struct mls_content_auth auth;
};
bool mls_parse_framed_content(struct reader *r, struct mls_framed_content *out);
void mls_put_framed_content(struct buf *b, const struct mls_framed_content *content);
bool mls_parse_content_auth(struct reader *r, uint8_t content_type, struct mls_content_auth *out);
void mls_put_content_auth(struct buf *b, uint8_t content_type, const struct mls_content_auth *auth);
bool mls_parse_authenticated_content(struct reader *r, struct mls_authenticated_content *out);
/* The select of FramedContent and PrivateMessageContent: body, proposal, commit. */
bool mls_parse_content_body(struct reader *r, struct mls_framed_content *out);
void mls_put_content_body(struct buf *b, const struct mls_framed_content *content);

struct mls_public_message {
    struct mls_framed_content content;
    struct mls_content_auth auth;
    struct slice membership_tag; /* members only */
};
bool mls_parse_public_message(struct reader *r, struct mls_public_message *out);
void mls_put_public_message(struct buf *b, const struct mls_public_message *message);

struct mls_private_message {
    struct slice group_id;
    uint64_t epoch;
    uint8_t content_type;
    struct slice authenticated_data, encrypted_sender_data, ciphertext;
};
bool mls_parse_private_message(struct reader *r, struct mls_private_message *out);
void mls_put_private_message(struct buf *b, const struct mls_private_message *message);

/* Version and wire format before every message. */
void mls_put_message_head(struct buf *b, uint16_t wire_format);
