/* An own commit as bytes, to be merged when it comes back from the network.  Of the tree only the
 * nodes that differ from the group's are kept. */
#include "base/alloc.h"
#include "base/err.h"
#include "mls/group.h"
#include "mls/state.h"

#include <string.h>

#define FORMAT 1
enum { IS_EXTERNAL = 1, REMOVES_US = 2, HAS_PATH = 4 };

static void put_items(struct buf *b, const struct mls_staged_commit *s)
{
    size_t mark = buf_begin_vec(b);

    for (size_t i = 0; i < s->items_n; i++) {
        const struct mls_item *item = &s->items[i];

        buf_put_u8(b, item->sender.type);
        buf_put_u32(b, item->sender.leaf);
        buf_put_u8(b, item->by_reference);
        buf_put_u32(b, item->leaf_index);
        buf_put_vec(b, bytes_slice(&item->raw));
        buf_put_vec(b, item->removed ? mls_node_raw(item->removed) : (struct slice){0});
    }
    buf_end_vec(b, mark);
}

static void put_tree_changes(struct buf *b, const struct mls_tree *from, const struct mls_tree *to)
{
    size_t mark;

    buf_put_u32(b, to->width);
    mark = buf_begin_vec(b);
    for (uint32_t x = 0; x < mls_node_width(to->width); x++) {
        const struct mls_node *n = mls_tree_node(to, x);

        if (n == mls_tree_node(from, x))
            continue;
        buf_put_u32(b, x);
        buf_put_vec(b, n ? mls_node_raw(n) : (struct slice){0});
    }
    buf_end_vec(b, mark);
}

int mls_staged_commit_write(const struct mls_staged_commit *s, const struct mls_group *group, struct bytes *out,
                            struct err *err)
{
    struct buf b = BUF_SECRET;

    buf_put_u8(&b, FORMAT);
    buf_put_u64(&b, s->base_epoch);
    buf_put_vec(&b, bytes_slice(&s->base_confirmed));
    buf_put_u32(&b, s->info.committer_leaf);
    buf_put_u8(&b, (uint8_t)((s->info.is_external ? IS_EXTERNAL : 0) | (s->info.removes_us ? REMOVES_US : 0) |
                             (s->info.path_leaf ? HAS_PATH : 0)));
    put_items(&b, s);
    put_tree_changes(&b, &group->tree, &s->tree);
    buf_put_vec(&b, bytes_slice(&s->context));
    mls_secrets_put(&b, &s->secrets);
    buf_put(&b, s->secrets.encryption, MLS_HASH_LEN);
    buf_put(&b, s->interim, sizeof s->interim);
    buf_put(&b, s->confirmation_tag, sizeof s->confirmation_tag);
    mls_private_put(&b, &s->priv);
    return buf_take(&b, out) ? err_set(err, ERR_NOMEM, "staged commit") : 0;
}

static int parse_items(struct reader r, struct mls_staged_commit *s)
{
    int e;

    while (reader_left(&r)) {
        struct mls_sender sender;
        struct slice raw, removed;
        uint32_t leaf_index;
        bool by_reference;

        sender.type = read_u8(&r);
        sender.leaf = read_u32(&r);
        by_reference = read_u8(&r);
        leaf_index = read_u32(&r);
        raw = read_vec(&r, MLS_VEC_MAX);
        removed = read_vec(&r, MLS_VEC_MAX);
        if (r.bad)
            return ERR_CORRUPT;
        if ((e = mls_staged_add_item(s, raw, sender, by_reference)) != 0)
            return e == ERR_MALFORMED ? ERR_CORRUPT : e;
        s->items[s->items_n - 1].leaf_index = leaf_index;
        if (removed.len && !(s->items[s->items_n - 1].removed = mls_node_from_leaf(removed)))
            return ERR_NOMEM;
    }
    return r.bad ? ERR_CORRUPT : 0;
}

static int parse_tree_changes(struct reader r, uint32_t width, struct mls_tree *tree)
{
    int e;

    if (!mls_is_power_of_two(width) || width > MLS_MAX_LEAVES)
        return ERR_CORRUPT;
    if ((e = mls_tree_resize(tree, width)) != 0)
        return e;
    while (reader_left(&r)) {
        uint32_t x = read_u32(&r);
        struct slice raw = read_vec(&r, MLS_VEC_MAX);
        struct mls_node *n = NULL;

        if (r.bad || x >= mls_node_width(width))
            return ERR_CORRUPT;
        if (raw.len && !(n = mls_level(x) ? mls_node_from_parent(raw) : mls_node_from_leaf(raw)))
            return ERR_NOMEM;
        if ((e = mls_tree_set(tree, x, n)) != 0)
            return e;
    }
    return r.bad ? ERR_CORRUPT : 0;
}

static int parse_rest(struct reader *r, struct mls_staged_commit *s)
{
    struct reader context;
    int e = bytes_dup(read_vec(r, MLS_VEC_MAX), &s->context);

    if (e)
        return e;
    mls_secrets_parse(r, &s->secrets);
    mls_read_array(r, s->secrets.encryption, MLS_HASH_LEN);
    mls_read_array(r, s->interim, sizeof s->interim);
    mls_read_array(r, s->confirmation_tag, sizeof s->confirmation_tag);
    mls_private_parse(r, &s->priv);
    context = reader_of(bytes_slice(&s->context));
    if (!reader_done(r) || !mls_parse_group_context(&context, &s->ctx) || !reader_done(&context) ||
        !slice_eq(s->ctx.tree_hash,
                  slice_of(mls_tree_hash(&s->tree, mls_root(s->tree.width)), MLS_HASH_LEN)))
        return ERR_CORRUPT;
    return 0;
}

static int parse_staged(struct reader *r, const struct mls_group *g, struct mls_staged_commit *s, struct err *err)
{
    struct slice confirmed;
    struct reader items;
    uint8_t flags;
    uint32_t width;
    int e;

    if (read_u8(r) != FORMAT)
        return err_set(err, ERR_CORRUPT, "staged commit of another format");
    s->base_epoch = read_u64(r);
    confirmed = read_vec(r, MLS_VEC_MAX);
    if (!r->bad && (s->base_epoch != g->ctx.epoch || !slice_eq(confirmed, g->ctx.confirmed_transcript_hash)))
        return err_set(err, ERR_CONFLICT, "the commit was made in epoch %llu, the group is in %llu",
                       (unsigned long long)s->base_epoch, (unsigned long long)g->ctx.epoch);
    s->info.committer_leaf = read_u32(r);
    flags = read_u8(r);
    s->info.is_external = flags & IS_EXTERNAL;
    s->info.removes_us = flags & REMOVES_US;
    items = read_vec_reader(r, MLS_VEC_MAX);
    width = read_u32(r);
    e = r->bad ? ERR_CORRUPT : parse_items(items, s);
    if (e == 0)
        e = parse_tree_changes(read_vec_reader(r, MLS_VEC_MAX), width, &s->tree);
    if (e == 0)
        e = parse_rest(r, s);
    if (e)
        return err_set(err, e, "staged commit");
    s->info.path_leaf = flags & HAS_PATH ? mls_tree_leaf(&s->tree, s->info.committer_leaf) : NULL;
    return 0;
}

int mls_staged_commit_read(const struct mls_group *group, struct slice data, struct mls_staged_commit **out,
                           struct err *err)
{
    struct mls_staged_commit *s = NULL;
    struct reader r = reader_of(data);
    int e = mls_staged_new(group, &s);

    if (e)
        return err_set(err, e, "staged commit");
    if ((e = parse_staged(&r, group, s, err)) != 0) {
        mls_staged_commit_free(s);
        return e;
    }
    mls_staged_describe(s);
    *out = s;
    return 0;
}
