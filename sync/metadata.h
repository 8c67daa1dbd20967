/* What the GroupContext extensions of an XMTP group say (groups.md 1.2, 2.2 to 2.5).
 *
 * Decoding is bounded and strict where libxmtp is; encoding writes what libxmtp reads.  Fields that
 * we do not know are kept and written again.  Pure; thread: any. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "sync/policy.h"

struct err;

#define EXT_REQUIRED_CAPABILITIES 0x0003
#define EXT_APP_DATA 0x0006
#define EXT_IMMUTABLE_METADATA 0xf000
#define EXT_MUTABLE_METADATA 0xff00
#define EXT_GROUP_MEMBERSHIP 0xff01
#define EXT_GROUP_PERMISSIONS 0xff02

enum conversation_type {
    CONVERSATION_UNKNOWN = 0,
    CONVERSATION_GROUP = 1,
    CONVERSATION_DM = 2,
    CONVERSATION_SYNC = 3,
    CONVERSATION_ONESHOT = 4
};

/* 0xf000; on the wire with a length prefix of its own. */
struct group_immutable {
    enum conversation_type type;
    char *creator_inbox_id;
    char *dm_one, *dm_two;   /* NULL unless a DM */
    bool has_oneshot;
    struct bytes readd_group_id; /* oneshot: ReaddRequest */
    uint64_t readd_sequence_id;
};

struct group_attr {
    char *key, *value;
};

/* Inbox ids as a group lists them. */
struct inbox_list {
    char **ids;
    size_t n;
};

/* 0xff00 */
struct group_mutable {
    struct group_attr *attrs;
    size_t n_attrs;
    struct inbox_list admins, super_admins;
    struct bytes unknown; /* fields we do not know, as they came */
};

struct group_member_at {
    char *inbox_id;
    uint64_t sequence_id;
};

/* 0xff01 */
struct group_membership {
    struct group_member_at *members;
    size_t n_members;
    uint8_t (*failed)[32]; /* installation ids; entries of another length are dropped */
    size_t n_failed;
    struct bytes unknown;
};

/* All of them together, as one epoch has them. */
struct group_extensions {
    struct group_immutable immutable;
    bool immutable_lost; /* a commit has taken 0xf000 away or spoilt it: `immutable` has the type alone */
    struct group_mutable mutable_;
    struct group_membership membership;
    struct policy_set policies;
};

/* Decoders; ERR_MALFORMED, ERR_TOOBIG, ERR_NOMEM; *out untouched on failure. */
int group_immutable_decode(struct slice ext, struct group_immutable *out, struct err *err);
int group_mutable_decode(struct slice ext, struct group_mutable *out, struct err *err);
int group_membership_decode(struct slice ext, struct group_membership *out, struct err *err);
int group_permissions_decode(struct slice ext, struct policy_set *out, struct err *err);

/* Encoders append the extension_data to `out`. */
void group_immutable_encode(const struct group_immutable *in, struct buf *out);
void group_mutable_encode(const struct group_mutable *in, struct buf *out);
void group_membership_encode(const struct group_membership *in, struct buf *out);
void group_permissions_encode(const struct policy_set *in, struct buf *out);

void group_immutable_free(struct group_immutable *m);
void group_mutable_free(struct group_mutable *m);
void group_membership_free(struct group_membership *m);
void group_extensions_free(struct group_extensions *e);

int group_mutable_dup(const struct group_mutable *from, struct group_mutable *out);
int group_membership_dup(const struct group_membership *from, struct group_membership *out);

/* Value of an attribute, borrowed; NULL where it has none. */
const char *group_attr_get(const struct group_mutable *m, const char *key);
/* The same as a decimal number; 0 where it is none, as for libxmtp. */
int64_t group_attr_number(const struct group_mutable *m, const char *key);
int group_attr_set(struct group_mutable *m, const char *key, const char *value);

bool inbox_list_has(const struct inbox_list *list, const char *inbox_id);
int inbox_list_add(struct inbox_list *list, const char *inbox_id);         /* once */
void inbox_list_remove(struct inbox_list *list, const char *inbox_id);     /* all equal entries; may be one of them */
void inbox_list_free(struct inbox_list *list);

/* The entry of an inbox, or NULL. */
const struct group_member_at *group_membership_find(const struct group_membership *m, const char *inbox_id);
int group_membership_set(struct group_membership *m, const char *inbox_id, uint64_t sequence_id);
void group_membership_drop(struct group_membership *m, const char *inbox_id);
bool group_membership_failed(const struct group_membership *m, const uint8_t installation_id[32]);
int group_membership_add_failed(struct group_membership *m, const uint8_t installation_id[32]);

/* "dm:" + the two inbox ids in order, joined by ":" (local key of a pair); `out` has room for 140. */
void dm_id_of(const char *inbox_a, const char *inbox_b, char out[140]);

/* Most bytes an attribute may have: 100, 1000, 2048, 8192 for the four limited ones, else 0 (no limit). */
size_t group_attr_limit(const char *key);
