/* The inside of a group and of a staged commit; for the files of this folder alone. */
#pragma once
#include "mls/codec.h"
#include "mls/mls.h"
#include "mls/schedule.h"
#include "mls/secret_tree.h"
#include "mls/tree.h"
#include "mls/treekem.h"

#include <stdbool.h>
#include <stdint.h>

/* A leaf as it was in a past epoch, where the next commit changed who sits there. */
struct mls_past_leaf {
    uint32_t leaf;
    struct mls_node *node; /* NULL: blank then */
};

/* A past epoch whose application messages can still be read. */
struct mls_epoch {
    uint64_t epoch;
    bool loaded; /* false: all but `epoch` is still in the store */
    bool dirty;
    uint8_t sender_data[MLS_HASH_LEN];
    struct bytes context;
    struct mls_past_leaf *leaves;
    uint32_t leaves_n;
    struct mls_secret_tree tree;
};
void mls_epoch_free(struct mls_epoch *epoch);

/* A proposal that was accepted, and waits for a commit that refers to it. */
struct mls_pending {
    uint8_t ref[MLS_HASH_LEN];
    struct mls_sender sender;
    struct bytes raw;
};
/* More in one epoch is somebody's attack on our memory. */
#define MLS_PENDING_MAX 4096

struct mls_resumption {
    uint64_t epoch;
    uint8_t secret[MLS_HASH_LEN];
};

struct mls_group {
    struct mls_config config;
    struct mls_piece_source source;
    bool has_source;
    bool active;
    bool reinitialized; /* by its last commit: the members go on in another group */
    uint32_t own_leaf;
    struct bytes context;         /* serialised GroupContext */
    struct mls_group_context ctx; /* view of it */
    struct mls_secrets secrets;
    uint8_t interim[MLS_HASH_LEN], confirmation_tag[MLS_HASH_LEN];
    struct mls_tree tree;
    struct mls_private priv;
    struct mls_secret_tree secret_tree;
    struct mls_epoch **past; /* ascending epochs, all just before the current one */
    uint32_t past_n;
    struct mls_resumption *resumption; /* ascending epochs */
    uint32_t resumption_n;
    struct mls_pending *pending;
    uint32_t pending_n;
    /* What mls_group_write() has to do. */
    bool state_dirty, pending_dirty;
    uint64_t *gone; /* epochs to delete */
    uint32_t gone_n;
    uint32_t stored_blocks[MLS_BANDS + 1];
};

/* One proposal of a commit. */
struct mls_item {
    struct bytes raw;
    struct mls_proposal p; /* view of `raw` */
    struct mls_sender sender;
    bool by_reference;
    uint32_t leaf_index;
    struct mls_node *removed; /* remove: the leaf that was there */
};

struct mls_staged_commit {
    uint64_t base_epoch;
    struct bytes base_confirmed; /* transcript hash of the epoch it was made in */
    struct mls_commit_info info;
    struct mls_item *items;
    size_t items_n;
    struct mls_tree tree;
    struct mls_indices added;   /* leaf indices, ascending */
    struct mls_indices updated; /* leaves of update proposals */
    bool has_extensions;        /* a group_context_extensions proposal */
    struct slice extensions;    /* the new list: of that proposal or of the group */
    struct bytes context;     /* serialised, new */
    struct mls_group_context ctx;
    struct mls_secrets secrets;
    uint8_t interim[MLS_HASH_LEN], confirmation_tag[MLS_HASH_LEN];
    struct mls_private priv;
    uint8_t psk_secret[MLS_HASH_LEN], external_init[MLS_HASH_LEN];
    bool has_external_init;
    /* A received commit: what it used of the secret tree. */
    bool has_change;
    uint32_t generation;
    struct mls_secret_change change;
};

static inline bool mls_allows(const struct mls_group *g, unsigned flag)
{
    return (g->config.flags & flag) != 0;
}

/* group.c */
struct mls_group *mls_group_alloc(const struct mls_config *config);
/* Takes over `context`, and points the view into it. */
int mls_group_set_context(struct mls_group *g, struct bytes *context);
/* Serialises a context like the one given but with these fields.  ERR_NOMEM. */
int mls_context_next(const struct mls_group_context *from, uint64_t epoch, struct slice tree_hash,
                     struct slice confirmed, struct slice extensions, struct bytes *out);

/* apply.c: from proposals to the tree after them.
 * staged_new forks the group's tree; add_item copies `raw` and parses it; apply checks and applies all. */
int mls_staged_new(const struct mls_group *g, struct mls_staged_commit **out);
int mls_staged_add_item(struct mls_staged_commit *s, struct slice raw, struct mls_sender sender, bool by_reference);
int mls_staged_apply(struct mls_group *g, struct mls_staged_commit *s, struct mls_sender committer, bool has_path,
                     struct err *err);
/* After the path: the committer's new leaf against the rules, and all leaves against a new list of
 * extensions. */
int mls_staged_check_leaves(struct mls_group *g, struct mls_staged_commit *s, const struct mls_leaf *path_leaf,
                            struct err *err);
/* leaves.c.  No signature key twice among the members, no encryption key among all nodes; for joiners. */
int mls_keys_unique(const struct mls_tree *tree, struct err *err);
/* The context for path secrets: new tree and extensions, old transcript. */
int mls_staged_provisional(const struct mls_group *g, struct mls_staged_commit *s, struct bytes *out);
/* Final context and secrets of the new epoch from the signed commit. */
int mls_staged_finish(const struct mls_group *g, struct mls_staged_commit *s, uint16_t wire_format,
                      const struct mls_framed_content *content, struct slice signature,
                      const uint8_t commit_secret[MLS_HASH_LEN], uint8_t joiner[MLS_HASH_LEN], struct err *err);
/* Points `info` at what the staged commit holds. */
void mls_staged_describe(struct mls_staged_commit *s);

/* psk.c */
/* All PSKs of a list of ids in order. */
int mls_psk_collect(const struct mls_config *config, const struct mls_group *g, const struct mls_psk_id *ids,
                    size_t n, uint8_t psk_secret[MLS_HASH_LEN], struct err *err);

/* epochs.c */
/* The past epoch with its contents, NULL when it is not kept (*e = 0) or cannot be read (*e < 0). */
struct mls_epoch *mls_group_past_epoch(struct mls_group *g, uint64_t epoch, int *e, struct err *err);
/* Who sat on a leaf in that past epoch; NULL: nobody. */
const struct mls_node *mls_group_past_node(struct mls_group *g, struct mls_epoch *epoch, uint32_t leaf, int *e,
                                           struct err *err);
