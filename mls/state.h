/* The stored pieces of a group (state.c writes, state_load.c reads).
 *
 * kind          epoch   index            contents
 * GROUP         0       0                context, own leaf, transcript, what else there is
 * SECRETS       0       0                secrets of the current epoch, our private keys
 * LEAVES        0       block            16 leaves with their hashes
 * PARENTS       0       band and block   15 parents with their hashes
 * SECRET_NODE   epoch   node             a secret of the secret tree (secret_tree.h)
 * *_RATCHET     epoch   leaf             a sender ratchet
 * EPOCH         epoch   0                what a past epoch needs besides: context, changed leaves
 * PENDING       0       0                proposals that wait for a commit
 *
 * A message sent or received rewrites one ratchet; the first one of a member also a few node
 * secrets.  A commit rewrites GROUP, SECRETS and the blocks it touched, and makes an EPOCH of what
 * was current. */
#pragma once
#include "mls/group.h"

enum {
    MLS_PIECE_GROUP = 1,
    MLS_PIECE_SECRETS = 2,
    MLS_PIECE_LEAVES = 3,
    MLS_PIECE_PARENTS = 4,
    MLS_PIECE_EPOCH = 8,
    MLS_PIECE_PENDING = 9
};
#define MLS_STATE_FORMAT 1

/* Bits of the byte after the format.  What was stored before the second one was known has it clear. */
enum { MLS_STATE_ACTIVE = 1, MLS_STATE_REINITIALIZED = 2 };

static inline struct mls_piece_key mls_block_key(unsigned band, uint32_t block)
{
    return (struct mls_piece_key){band ? MLS_PIECE_PARENTS : MLS_PIECE_LEAVES, 0,
                                  band ? (band - 1) << 24 | block : block};
}

/* Private keys of a member, as part of a piece or of a stored commit. */
void mls_private_put(struct buf *b, const struct mls_private *priv);
bool mls_private_parse(struct reader *r, struct mls_private *out);
/* All but the encryption secret, which lives in the secret tree. */
void mls_secrets_put(struct buf *b, const struct mls_secrets *secrets);
bool mls_secrets_parse(struct reader *r, struct mls_secrets *out);
bool mls_read_array(struct reader *r, uint8_t *out, size_t len);

/* ERR_CORRUPT, ERR_NOMEM, or what the source said. */
int mls_state_load_epoch(struct mls_group *g, struct mls_epoch *p, struct err *err);
