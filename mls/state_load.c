/* Reading the pieces of a group back.  What they are: state.h. */
#include "base/alloc.h"
#include "base/err.h"
#include "mls/state.h"
#include "mls/suite.h"

#include <sodium.h>
#include <string.h>

bool mls_read_array(struct reader *r, uint8_t *out, size_t len)
{
    struct slice s = read_bytes(r, len);

    if (s.len == len)
        memcpy(out, s.data, len);
    return !r->bad;
}

bool mls_private_parse(struct reader *r, struct mls_private *out)
{
    mls_read_array(r, out->leaf, sizeof out->leaf);
    out->n = read_u8(r);
    if (out->n > MLS_PATH_MAX)
        r->bad = true;
    for (uint32_t i = 0; i < out->n && !r->bad; i++) {
        out->path[i].node = read_u32(r);
        mls_read_array(r, out->path[i].secret, sizeof out->path[i].secret);
    }
    return !r->bad;
}

bool mls_secrets_parse(struct reader *r, struct mls_secrets *out)
{
    mls_read_array(r, out->sender_data, MLS_HASH_LEN);
    mls_read_array(r, out->exporter, MLS_HASH_LEN);
    mls_read_array(r, out->external, MLS_HASH_LEN);
    mls_read_array(r, out->confirmation, MLS_HASH_LEN);
    mls_read_array(r, out->membership, MLS_HASH_LEN);
    mls_read_array(r, out->resumption, MLS_HASH_LEN);
    mls_read_array(r, out->authenticator, MLS_HASH_LEN);
    return mls_read_array(r, out->init, MLS_HASH_LEN);
}

static int get(const struct mls_group *g, struct mls_piece_key key, struct bytes *out, struct err *err)
{
    int e = g->source.get(g->source.ctx, &key, out, err);

    return e == ERR_NOTFOUND ? err_set(err, ERR_CORRUPT, "piece %u/%llu/%u of a group is missing", key.kind,
                                       (unsigned long long)key.epoch, key.index)
                             : e;
}

static int make_past(struct mls_group *g, uint32_t n)
{
    if (n > g->ctx.epoch)
        return ERR_CORRUPT;
    g->past = xm_calloc(n, sizeof *g->past);
    if (!g->past)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        g->past[i] = xm_alloc(sizeof *g->past[i]);
        if (!g->past[i])
            return ERR_NOMEM;
        g->past_n++;
        g->past[i]->epoch = g->ctx.epoch - n + i;
    }
    return 0;
}

/* More past epochs than this nobody configures; it bounds what a damaged piece can make us do. */
#define PAST_MAX 1024

static int load_group(struct mls_group *g, struct err *err)
{
    struct bytes data = {0}, context = {0};
    uint32_t width = 0, past_n = 0;
    struct reader r;
    uint8_t format, standing;
    int e = g->source.get(g->source.ctx, &(struct mls_piece_key){MLS_PIECE_GROUP, 0, 0}, &data, err);

    if (e)
        return e;
    r = reader_of(bytes_slice(&data));
    format = read_u8(&r);
    standing = read_u8(&r);
    g->active = standing & MLS_STATE_ACTIVE;
    g->reinitialized = standing & MLS_STATE_REINITIALIZED;
    g->own_leaf = read_u32(&r);
    mls_read_array(&r, g->interim, sizeof g->interim);
    mls_read_array(&r, g->confirmation_tag, sizeof g->confirmation_tag);
    width = read_u32(&r);
    past_n = read_u32(&r);
    e = bytes_dup(read_vec(&r, MLS_VEC_MAX), &context);
    if (e == 0 && (!reader_done(&r) || format != MLS_STATE_FORMAT || !mls_is_power_of_two(width) ||
                   width > MLS_MAX_LEAVES || g->own_leaf >= MLS_MAX_LEAVES || past_n > PAST_MAX))
        e = ERR_CORRUPT;
    if (e == 0 && mls_group_set_context(g, &context) != 0)
        e = ERR_CORRUPT;
    if (e == 0 && !mls_suite_known(g->ctx.suite))
        e = ERR_CORRUPT;
    if (e == 0)
        e = mls_tree_resize(&g->tree, width);
    if (e == 0)
        e = make_past(g, past_n);
    bytes_free(&context);
    bytes_wipe(&data);
    return e ? err_set(err, e, "state of a group") : 0;
}

static int load_secrets(struct mls_group *g, struct err *err)
{
    struct bytes data = {0};
    struct reader r;
    size_t n;
    int e = get(g, (struct mls_piece_key){MLS_PIECE_SECRETS, 0, 0}, &data, err);

    if (e)
        return e;
    r = reader_of(bytes_slice(&data));
    mls_secrets_parse(&r, &g->secrets);
    mls_private_parse(&r, &g->priv);
    n = reader_left(&r) / (8 + MLS_HASH_LEN);
    if (n && !(g->resumption = xm_calloc(n, sizeof *g->resumption)))
        e = ERR_NOMEM;
    for (size_t i = 0; i < n && e == 0; i++) {
        g->resumption[i].epoch = read_u64(&r);
        mls_read_array(&r, g->resumption[i].secret, MLS_HASH_LEN);
        g->resumption_n++;
    }
    if (e == 0 && !reader_done(&r))
        e = ERR_CORRUPT;
    bytes_wipe(&data);
    return e ? err_set(err, e, "secrets of a group") : 0;
}

static int parse_block(struct slice data, bool leaves, struct mls_block *block)
{
    struct reader r = reader_of(data);

    for (size_t i = 0; i < MLS_BLOCK_SLOTS; i++) {
        struct mls_slot *slot = &block->slot[i];
        uint8_t what = read_u8(&r);
        struct slice raw;

        slot->hashed = what & 2;
        if (slot->hashed)
            mls_read_array(&r, slot->hash, sizeof slot->hash);
        if (r.bad || what > 3)
            return ERR_CORRUPT;
        if (!(what & 1))
            continue;
        raw = read_vec(&r, MLS_VEC_MAX);
        if (r.bad)
            return ERR_CORRUPT;
        slot->node = leaves ? mls_node_from_leaf(raw) : mls_node_from_parent(raw);
        if (!slot->node)
            return ERR_NOMEM; /* or it does not parse: reported alike, the group does not load */
        slot->key_tag = mls_key_tag(mls_node_key(slot->node));
    }
    block->stored = true;
    return reader_done(&r) ? 0 : ERR_CORRUPT;
}

static int load_tree(struct mls_group *g, struct err *err)
{
    uint32_t root = mls_root(g->tree.width);
    int e;

    for (unsigned band = 0; band <= MLS_BANDS; band++) {
        for (uint32_t i = 0; i < g->tree.blocks_n[band]; i++) {
            struct bytes data = {0};

            if ((e = get(g, mls_block_key(band, i), &data, err)) != 0)
                return e;
            e = parse_block(bytes_slice(&data), band == 0, g->tree.blocks[band][i]);
            bytes_free(&data);
            if (e)
                return err_set(err, e, "tree block %u/%u of a group", band, i);
        }
        g->stored_blocks[band] = g->tree.blocks_n[band];
    }
    if (!slice_eq(slice_of(mls_tree_hash(&g->tree, root), MLS_HASH_LEN), g->ctx.tree_hash) ||
        (g->active && !mls_tree_leaf(&g->tree, g->own_leaf)))
        return err_set(err, ERR_CORRUPT, "the stored tree is not that of the group");
    return 0;
}

static int load_pending(struct mls_group *g, struct err *err)
{
    struct bytes data = {0};
    struct reader r;
    int e = g->source.get(g->source.ctx, &(struct mls_piece_key){MLS_PIECE_PENDING, 0, 0}, &data, err);

    if (e)
        return e == ERR_NOTFOUND ? 0 : e;
    r = reader_of(bytes_slice(&data));
    while (reader_left(&r) && e == 0) {
        struct mls_pending *grown = xm_realloc(g->pending, g->pending_n + 1, sizeof *grown), *p;

        if (!grown) {
            e = ERR_NOMEM;
            break;
        }
        g->pending = grown;
        p = &grown[g->pending_n];
        memset(p, 0, sizeof *p);
        mls_read_array(&r, p->ref, MLS_HASH_LEN);
        p->sender.type = read_u8(&r);
        p->sender.leaf = read_u32(&r);
        e = bytes_dup(read_vec(&r, MLS_VEC_MAX), &p->raw);
        g->pending_n += e == 0;
    }
    if (e == 0 && r.bad)
        e = ERR_CORRUPT;
    bytes_free(&data);
    return e ? err_set(err, e, "pending proposals of a group") : 0;
}

int mls_group_load(const struct mls_config *config, const struct mls_piece_source *source, struct mls_group **out,
                   struct err *err)
{
    struct mls_group *g = mls_group_alloc(config);
    int e;

    if (!g)
        return err_set(err, ERR_NOMEM, "group");
    g->source = *source;
    g->has_source = true;
    if ((e = load_group(g, err)) != 0 || (e = load_secrets(g, err)) != 0 || (e = load_tree(g, err)) != 0 ||
        (e = load_pending(g, err)) != 0) {
        mls_group_free(g);
        return err_wrap(err, e, "loading a group");
    }
    mls_secret_tree_stored(&g->secret_tree, g->ctx.suite, g->ctx.epoch, g->tree.width, &g->source);
    *out = g;
    return 0;
}

static int parse_past_leaves(struct reader *r, struct mls_epoch *p)
{
    while (reader_left(r)) {
        struct mls_past_leaf *grown = xm_realloc(p->leaves, p->leaves_n + 1, sizeof *grown);
        struct slice raw;

        if (!grown)
            return ERR_NOMEM;
        p->leaves = grown;
        grown[p->leaves_n] = (struct mls_past_leaf){.leaf = read_u32(r)};
        raw = read_vec(r, MLS_VEC_MAX);
        if (r->bad)
            return ERR_CORRUPT;
        if (raw.len && !(grown[p->leaves_n].node = mls_node_from_leaf(raw)))
            return ERR_NOMEM;
        p->leaves_n++;
    }
    return 0;
}

int mls_state_load_epoch(struct mls_group *g, struct mls_epoch *p, struct err *err)
{
    struct mls_epoch fresh = {.epoch = p->epoch};
    struct bytes data = {0};
    struct reader r, leaves;
    uint32_t width;
    int e = get(g, (struct mls_piece_key){MLS_PIECE_EPOCH, p->epoch, 0}, &data, err);

    if (e)
        return e;
    r = reader_of(bytes_slice(&data));
    mls_read_array(&r, fresh.sender_data, sizeof fresh.sender_data);
    width = read_u32(&r);
    e = bytes_dup(read_vec(&r, MLS_VEC_MAX), &fresh.context);
    leaves = read_vec_reader(&r, MLS_VEC_MAX);
    if (e == 0)
        e = parse_past_leaves(&leaves, &fresh);
    if (e == 0 && (!reader_done(&r) || leaves.bad || !mls_is_power_of_two(width) || width > MLS_MAX_LEAVES))
        e = ERR_CORRUPT;
    bytes_wipe(&data);
    if (e) {
        for (uint32_t i = 0; i < fresh.leaves_n; i++)
            mls_node_unref(fresh.leaves[i].node);
        xm_free(fresh.leaves);
        bytes_free(&fresh.context);
        sodium_memzero(&fresh, sizeof fresh);
        return err_set(err, e, "past epoch %llu of a group", (unsigned long long)p->epoch);
    }
    *p = fresh;
    mls_secret_tree_stored(&p->tree, g->ctx.suite, p->epoch, width, &g->source);
    sodium_memzero(&fresh, sizeof fresh);
    return 0;
}
