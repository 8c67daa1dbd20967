/* Writing the pieces of a group that changed.  What they are: state.h. */
#include "mls/state.h"

#include "base/alloc.h"
#include "base/err.h"
#include "mls/suite.h"

#include <string.h>

void mls_private_put(struct buf *b, const struct mls_private *priv)
{
    buf_put(b, priv->leaf, sizeof priv->leaf);
    buf_put_u8(b, (uint8_t)priv->n);
    for (uint32_t i = 0; i < priv->n; i++) {
        buf_put_u32(b, priv->path[i].node);
        buf_put(b, priv->path[i].secret, sizeof priv->path[i].secret);
    }
}

void mls_secrets_put(struct buf *b, const struct mls_secrets *s)
{
    buf_put(b, s->sender_data, MLS_HASH_LEN);
    buf_put(b, s->exporter, MLS_HASH_LEN);
    buf_put(b, s->external, MLS_HASH_LEN);
    buf_put(b, s->confirmation, MLS_HASH_LEN);
    buf_put(b, s->membership, MLS_HASH_LEN);
    buf_put(b, s->resumption, MLS_HASH_LEN);
    buf_put(b, s->authenticator, MLS_HASH_LEN);
    buf_put(b, s->init, MLS_HASH_LEN);
}

static void put_group(struct buf *b, const struct mls_group *g)
{
    buf_put_u8(b, MLS_STATE_FORMAT);
    buf_put_u8(b, (uint8_t)((g->active ? MLS_STATE_ACTIVE : 0) |
                            (g->reinitialized ? MLS_STATE_REINITIALIZED : 0)));
    buf_put_u32(b, g->own_leaf);
    buf_put(b, g->interim, sizeof g->interim);
    buf_put(b, g->confirmation_tag, sizeof g->confirmation_tag);
    buf_put_u32(b, g->tree.width);
    buf_put_u32(b, g->past_n);
    buf_put_vec(b, bytes_slice(&g->context));
}

static void put_secrets(struct buf *b, const struct mls_group *g)
{
    mls_secrets_put(b, &g->secrets);
    mls_private_put(b, &g->priv);
    for (uint32_t i = 0; i < g->resumption_n; i++) {
        buf_put_u64(b, g->resumption[i].epoch);
        buf_put(b, g->resumption[i].secret, MLS_HASH_LEN);
    }
}

static void put_epoch(struct buf *b, const struct mls_epoch *p)
{
    size_t mark;

    buf_put(b, p->sender_data, sizeof p->sender_data);
    buf_put_u32(b, p->tree.width);
    buf_put_vec(b, bytes_slice(&p->context));
    mark = buf_begin_vec(b);
    for (uint32_t i = 0; i < p->leaves_n; i++) {
        buf_put_u32(b, p->leaves[i].leaf);
        buf_put_vec(b, p->leaves[i].node ? mls_node_raw(p->leaves[i].node) : (struct slice){0});
    }
    buf_end_vec(b, mark);
}

static void put_pending(struct buf *b, const struct mls_group *g)
{
    for (uint32_t i = 0; i < g->pending_n; i++) {
        buf_put(b, g->pending[i].ref, MLS_HASH_LEN);
        buf_put_u8(b, g->pending[i].sender.type);
        buf_put_u32(b, g->pending[i].sender.leaf);
        buf_put_vec(b, bytes_slice(&g->pending[i].raw));
    }
}

/* Each slot: node there, hash there, what kind; hash; node. */
static void put_block(struct buf *b, const struct mls_block *block)
{
    for (size_t i = 0; i < MLS_BLOCK_SLOTS; i++) {
        const struct mls_slot *slot = &block->slot[i];

        buf_put_u8(b, (uint8_t)((slot->node != NULL) | slot->hashed << 1));
        if (slot->hashed)
            buf_put(b, slot->hash, sizeof slot->hash);
        if (slot->node)
            buf_put_vec(b, mls_node_raw(slot->node));
    }
}

/* Hands over `b` and empties it. */
static int emit(const struct mls_piece_sink *sink, struct mls_piece_key key, struct buf *b, struct err *err)
{
    int e = buf_ok(b) ? sink->put(sink->ctx, &key, buf_slice(b), err) : err_set(err, ERR_NOMEM, "group state");

    buf_reset(b);
    return e;
}

static int emit_deletion(const struct mls_piece_sink *sink, struct mls_piece_key key, struct err *err)
{
    return sink->put(sink->ctx, &key, (struct slice){0}, err);
}

static int write_gone(const struct mls_group *g, const struct mls_piece_sink *sink, struct err *err)
{
    static const uint16_t kinds[] = {MLS_PIECE_SECRET_NODE, MLS_PIECE_HANDSHAKE_RATCHET,
                                     MLS_PIECE_APPLICATION_RATCHET, MLS_PIECE_EPOCH};
    int e;

    for (uint32_t i = 0; i < g->gone_n; i++)
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
            if ((e = emit_deletion(sink, (struct mls_piece_key){kinds[k], g->gone[i], MLS_PIECE_ALL}, err)) != 0)
                return e;
    return 0;
}

static int write_past(const struct mls_group *g, const struct mls_piece_sink *sink, struct buf *b, struct err *err)
{
    int e;

    for (uint32_t i = 0; i < g->past_n; i++) {
        const struct mls_epoch *p = g->past[i];

        if (!p->loaded)
            continue;
        if (p->dirty) {
            put_epoch(b, p);
            if ((e = emit(sink, (struct mls_piece_key){MLS_PIECE_EPOCH, p->epoch, 0}, b, err)) != 0 ||
                (e = emit_deletion(sink,
                                   (struct mls_piece_key){MLS_PIECE_HANDSHAKE_RATCHET, p->epoch, MLS_PIECE_ALL},
                                   err)) != 0)
                return e;
        }
        if ((e = mls_secret_tree_write(&p->tree, sink, err)) != 0)
            return e;
    }
    return 0;
}

static int write_tree(const struct mls_group *g, const struct mls_piece_sink *sink, struct buf *b, struct err *err)
{
    const struct mls_tree *t = &g->tree;
    int e;

    for (unsigned band = 0; band <= MLS_BANDS; band++) {
        for (uint32_t i = 0; i < t->blocks_n[band]; i++) {
            if (t->blocks[band][i]->stored)
                continue;
            put_block(b, t->blocks[band][i]);
            if ((e = emit(sink, mls_block_key(band, i), b, err)) != 0)
                return e;
        }
        for (uint32_t i = t->blocks_n[band]; i < g->stored_blocks[band]; i++)
            if ((e = emit_deletion(sink, mls_block_key(band, i), err)) != 0)
                return e;
    }
    return 0;
}

static int write_pending(const struct mls_group *g, const struct mls_piece_sink *sink, struct buf *b, struct err *err)
{
    struct mls_piece_key key = {MLS_PIECE_PENDING, 0, 0};

    if (!g->pending_dirty)
        return 0;
    if (!g->pending_n)
        return emit_deletion(sink, key, err);
    put_pending(b, g);
    return emit(sink, key, b, err);
}

static int write_all(struct mls_group *g, const struct mls_piece_sink *sink, struct buf *b, struct err *err)
{
    int e;

    if ((e = write_gone(g, sink, err)) != 0)
        return e;
    if (g->state_dirty) {
        put_group(b, g);
        if ((e = emit(sink, (struct mls_piece_key){MLS_PIECE_GROUP, 0, 0}, b, err)) != 0)
            return e;
        put_secrets(b, g);
        if ((e = emit(sink, (struct mls_piece_key){MLS_PIECE_SECRETS, 0, 0}, b, err)) != 0 ||
            (e = write_tree(g, sink, b, err)) != 0)
            return e;
    }
    if ((e = write_past(g, sink, b, err)) != 0 || (e = mls_secret_tree_write(&g->secret_tree, sink, err)) != 0)
        return e;
    return write_pending(g, sink, b, err);
}

static void all_written(struct mls_group *g)
{
    for (uint32_t i = 0; i < g->past_n; i++) {
        g->past[i]->dirty = false;
        mls_secret_tree_written(&g->past[i]->tree);
    }
    mls_secret_tree_written(&g->secret_tree);
    for (unsigned band = 0; g->state_dirty && band <= MLS_BANDS; band++) {
        for (uint32_t i = 0; i < g->tree.blocks_n[band]; i++)
            g->tree.blocks[band][i]->stored = true;
        g->stored_blocks[band] = g->tree.blocks_n[band];
    }
    g->gone_n = 0;
    g->state_dirty = g->pending_dirty = false;
}

int mls_group_write(struct mls_group *group, const struct mls_piece_sink *sink, struct err *err)
{
    struct buf b = BUF_SECRET;
    int e = write_all(group, sink, &b, err);

    buf_free(&b);
    if (e == 0)
        all_written(group);
    return e;
}

bool mls_group_is_dirty(const struct mls_group *group)
{
    bool dirty = group->state_dirty || group->pending_dirty || group->gone_n ||
                 mls_secret_tree_is_dirty(&group->secret_tree);

    for (uint32_t i = 0; i < group->past_n; i++)
        dirty |= group->past[i]->dirty || mls_secret_tree_is_dirty(&group->past[i]->tree);
    return dirty;
}
