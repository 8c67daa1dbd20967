/* Is a commit that decrypts also one that XMTP allows?  (groups.md 4.3 and 5.3)
 *
 * The rules are libxmtp's, step by step, no stricter and no laxer: whoever decides differently is on
 * a fork.  Pure: what other people's identity logs say is asked through callbacks, so the tests need
 * neither a store nor a network.  Thread: any. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "sync/installation_set.h"
#include "sync/metadata.h"

struct err;

/* The libxmtp release whose rules we follow: nodes are told it, and it decides over
 * minimum_supported_protocol_version. */
#define PROTOCOL_VERSION "1.10.0"

/* A staged commit, as the MLS layer read it.  Everything is borrowed. */
struct commit_view {
    const struct group_extensions *old; /* of the epoch before */
    struct slice old_mutable_raw;       /* its 0xff00 bytes */
    struct slice new_mutable_raw;       /* 0xff00 of the new GroupContext */
    struct slice new_membership_raw;    /* 0xff01 of the GroupContextExtensions proposal, else of the context */
    struct slice new_permissions_raw;   /* 0xff02 of the new GroupContext */
    bool one_member_sends_all;          /* every proposal's sender is the committing member */
    bool path_key_is_senders;           /* or there is no path, or no proposal */
    bool has_psk;
    const char *actor_inbox_id;         /* credential of the path leaf, or of the sender's leaf */
    uint8_t actor_installation[32];
    const uint8_t (*added)[32];         /* signature keys of Add proposals */
    size_t n_added;
    const uint8_t (*removed)[32];       /* of leaves that Remove proposals take out */
    size_t n_removed;
    const struct installation *updated; /* leaves of Update proposals */
    size_t n_updated;
    const char *own_version; /* whose rules we follow; NULL: PROTOCOL_VERSION */
};

/* Answers about identities and the tree before the commit. */
struct commit_lookups {
    void *ctx;
    /* As inbox_diff() and inbox_has_installation(). */
    int (*diff)(void *ctx, const char *inbox_id, uint64_t from, uint64_t to, struct installation_set *added,
                struct installation_set *removed, struct err *err);
    int (*has_installation)(void *ctx, const char *inbox_id, uint64_t sequence_id, const uint8_t id[32], bool *has,
                            struct err *err);
    bool (*is_leaf)(void *ctx, const uint8_t id[32]);
};

struct field_change {
    char *field, *old_value, *new_value; /* NULL: was or is not there */
};

/* What an allowed commit changes, for people.  Freed with commit_outcome_free(). */
struct commit_outcome {
    char actor_inbox_id[65];
    uint8_t actor_installation[32];
    struct inbox_list added, removed; /* inboxes */
    struct field_change *fields;
    size_t n_fields;
    struct inbox_list admins_added, admins_removed, super_admins_added, super_admins_removed;
    bool permissions_changed;
    bool has_min_version;             /* some minimum version is set: then even nothing is reported */
    struct installation_set readded;
};

/* 0 and *out, or
 *   ERR_MALFORMED, ERR_DENIED, ERR_TOOBIG, ERR_NOTFOUND  the commit is not valid, for everybody
 *   ERR_PAUSED      valid, but wants a newer version; min_version (may be NULL) gets it
 *   whatever a callback said, when it was about our own trouble (err_is_transient()). */
int commit_validate(const struct commit_view *view, const struct commit_lookups *lookups,
                    struct commit_outcome *out, char min_version[64], struct err *err);
void commit_outcome_free(struct commit_outcome *outcome);

/* True if there is something to tell people (groups.md section 6). */
bool commit_outcome_is_visible(const struct commit_outcome *outcome);

/* Failures that a later try may mend: memory, disk, network.  All others are final. */
bool err_is_transient(int code);

/* Members in both with another sequence id, added, removed: calls `each(ctx, inbox, from, to)`; 0
 * stands for absent.  Stops at the first non-zero result and returns it. */
int membership_changes(const struct group_membership *before, const struct group_membership *after,
                       int (*each)(void *ctx, const char *inbox_id, uint64_t from, uint64_t to, bool was, bool is),
                       void *ctx);

/* Orders versions "a.b.c[-suffix]" as libxmtp 1.9 and 1.10 do: a suffix stands above none.
 * ERR_MALFORMED; *cmp < 0: a is the older. */
int version_compare(const char *a, const char *b, int *cmp);
