/* One conversation's MLS group: loading, caching, and what its extensions say.
 *
 * A struct group is the one in-memory form of a conversation; it is loaded on first use and kept
 * until memory is wanted.  Its MLS state is changed only inside a transaction that also stores the
 * change; when such a transaction fails, the MLS state is dropped and read again (group_evict()).
 * Whoever changes the group, or publishes to it, holds its lock across the waits in between.
 *
 * Thread: background. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/fiber.h"
#include "sync/metadata.h"

struct core;
struct err;
struct store_group;
struct group_cache;
struct mls_group;
struct mls_config;
struct outgoing;

struct group {
    uint8_t id[16];
    enum conversation_type type;
    struct fiber_lock lock;
    struct mls_group *mls; /* NULL: not in memory, or no usable state (inactive, restored) */

    /* Decoded from the GroupContext at `ext_epoch`; refreshed by group_extensions(). */
    bool ext_valid;
    uint64_t ext_epoch;
    struct group_extensions ext;

    bool has_leaver;     /* somebody asked to be taken out, or it has become ours to do, since the last look */
    bool nothing_queued; /* known: no intent is "to publish" or "published"; intents.c */
    struct outgoing *unstored; /* accepted, and waits for the network before it is stored; send.c */

    /* private to group.c */
    struct core *core;
    struct group *next_in_bucket;
    uint64_t used;
    unsigned pins;
};

int group_cache_new(struct core *core, struct err *err);
void group_cache_free(struct core *core);

/* The group by its id; its MLS state is loaded by group_load_mls().  Borrowed: stays valid while
 * pinned; every group_get() is paired with a group_put().  ERR_NOTFOUND. */
int group_get(struct core *core, const uint8_t id[16], struct group **out, struct err *err);
void group_put(struct core *core, struct group *g);

/* Drops the MLS state in memory, so that the next use reads what the database has. */
void group_evict(struct core *core, struct group *g);

/* group_get(), then its lock (may wait), then its MLS state; group_close() undoes it. */
int group_open(struct core *core, const uint8_t id[16], struct group **out, struct err *err);
void group_close(struct core *core, struct group *g);

/* A group that may not be in the store yet, pinned as by group_get().  Takes `mls` on success; NULL leaves
 * the MLS state as it is. */
int group_adopt(struct core *core, const uint8_t id[16], enum conversation_type type, struct mls_group *mls,
                struct group **out, struct err *err);

/* Makes sure that g->mls is loaded.  ERR_STATE when the group has no usable state. */
int group_load_mls(struct core *core, struct group *g, struct err *err);

/* Inside a transaction: stores what changed in g->mls since the last save. */
int group_save_mls(struct core *core, struct group *g, struct err *err);

/* g->ext for the current epoch; decodes where needed.  ERR_MALFORMED: the extensions do not decode. */
int group_read_extensions(struct core *core, struct group *g, struct err *err);

/* Inside a transaction: writes the columns that follow from the extensions (name, description, dm
 * peer, disappearing settings, paused version) and the epoch into the conversation's row. */
int group_refresh_row(struct core *core, struct group *g, struct err *err);

/* ERR_STATE with a sentence when we are out of it; its MLS state is loaded. */
int group_check_active(const struct group *g, struct err *err);
/* ERR_PAUSED with a sentence where the group wants a newer program: what we sent would be of an epoch that is over. */
int group_check_version(const char *paused_for, struct err *err);

/* The MLS rules of XMTP groups (groups.md 1.1): the library's defaults, PrivateMessage only. */
void group_mls_config(struct mls_config *out);

/* ---- what people ask about a group ---- */

struct group_member {
    char inbox_id[65];
    uint64_t sequence_id;
    enum member_level { MEMBER_PLAIN, MEMBER_ADMIN, MEMBER_SUPER_ADMIN } level;
    uint8_t (*installations)[32]; /* leaves of this inbox */
    size_t n_installations;
};
/* *out is freed with group_members_free(). */
int group_members(struct core *core, struct group *g, struct group_member **out, size_t *n, struct err *err);
void group_members_free(struct group_member *members, size_t n);

/* The leaf's inbox id and whether it is a member's: of any group in hand.  ERR_MALFORMED. */
struct mls_leaf;
int leaf_inbox(const struct mls_leaf *leaf, char inbox_id[65]);

struct group_debug {
    uint64_t epoch;
    uint8_t epoch_authenticator[32];
    size_t leaves;
    uint64_t cursor;
};
int group_debug(struct core *core, struct group *g, struct group_debug *out, struct err *err);
