#include "mls/tree.h"

#include "base/alloc.h"
#include "base/err.h"
#include "mls/codec.h"

#include <string.h>

static struct mls_node *node_alloc(struct slice raw)
{
    struct mls_node *n = xm_alloc(sizeof *n + raw.len);

    if (!n)
        return NULL;
    n->refs = 1;
    n->raw_len = raw.len;
    if (raw.len)
        memcpy(n->raw, raw.data, raw.len);
    return n;
}

struct mls_node *mls_node_from_leaf(struct slice raw)
{
    struct mls_node *n = node_alloc(raw);
    struct reader r;

    if (!n)
        return NULL;
    n->is_leaf = true;
    r = reader_of(mls_node_raw(n));
    if (!mls_parse_leaf(&r, &n->leaf) || !reader_done(&r)) {
        xm_free(n);
        return NULL;
    }
    return n;
}

static bool parse_parent(struct reader *r, struct mls_parent *out)
{
    out->encryption_key = read_vec(r, MLS_VEC_MAX);
    out->parent_hash = read_vec(r, MLS_VEC_MAX);
    out->unmerged = read_vec(r, MLS_VEC_MAX);
    if (out->unmerged.len % 4)
        r->bad = true;
    return !r->bad;
}

struct mls_node *mls_node_from_parent(struct slice raw)
{
    struct mls_node *n = node_alloc(raw);
    struct reader r;

    if (!n)
        return NULL;
    r = reader_of(mls_node_raw(n));
    if (!parse_parent(&r, &n->parent) || !reader_done(&r)) {
        xm_free(n);
        return NULL;
    }
    return n;
}

struct mls_node *mls_node_make_parent(struct slice encryption_key, struct slice parent_hash, struct slice unmerged)
{
    struct buf b = BUF_INIT;
    struct mls_node *n = NULL;

    buf_put_vec(&b, encryption_key);
    buf_put_vec(&b, parent_hash);
    buf_put_vec(&b, unmerged);
    if (buf_ok(&b))
        n = mls_node_from_parent(buf_slice(&b));
    buf_free(&b);
    return n;
}

void mls_node_unref(struct mls_node *node)
{
    if (node && --node->refs == 0)
        xm_free(node);
}

/* ---- Blocks ---- */

static void block_unref(struct mls_block *b)
{
    if (!b || --b->refs)
        return;
    for (size_t i = 0; i < MLS_BLOCK_SLOTS; i++)
        mls_node_unref(b->slot[i].node);
    xm_free(b);
}

static struct mls_block *block_copy(const struct mls_block *from)
{
    struct mls_block *b = xm_alloc(sizeof *b);

    if (!b)
        return NULL;
    memcpy(b->slot, from->slot, sizeof b->slot);
    for (size_t i = 0; i < MLS_BLOCK_SLOTS; i++)
        if (b->slot[i].node)
            b->slot[i].node->refs++;
    b->refs = 1;
    return b;
}

/* Where node x lies: the band, the block in it, the slot in that.  A band's block is a heap of four
 * levels, its top at slot 0. */
static void place(uint32_t x, unsigned *band, uint32_t *block, unsigned *slot)
{
    unsigned level = mls_level(x), depth;
    uint32_t p = mls_position(x);

    if (level == 0) {
        *band = 0;
        *block = p / MLS_BLOCK_SLOTS;
        *slot = p % MLS_BLOCK_SLOTS;
        return;
    }
    depth = 3 - (level - 1) % 4;
    *band = 1 + (level - 1) / 4;
    *block = p >> depth;
    *slot = (1u << depth) - 1 + (p & ((1u << depth) - 1));
}

/* Blocks of a band for a tree of that width. */
static uint32_t blocks_for(unsigned band, uint32_t width)
{
    unsigned below = band ? 4 * (band - 1) + 1 : 0; /* levels under the lowest one of the band */
    uint32_t leaves_per_block = band ? 1u << (4 * band) : MLS_BLOCK_SLOTS;

    if (width >> below == 0)
        return 0;
    return (width + leaves_per_block - 1) / leaves_per_block;
}

static const struct mls_slot *slot_of(const struct mls_tree *tree, uint32_t x)
{
    unsigned band, slot;
    uint32_t block;

    place(x, &band, &block, &slot);
    return &tree->blocks[band][block]->slot[slot];
}

/* The slot for writing: its block is this tree's own afterwards.  NULL when out of memory. */
static struct mls_slot *slot_own(struct mls_tree *tree, uint32_t x)
{
    struct mls_block **at, *copy;
    unsigned band, slot;
    uint32_t block;

    place(x, &band, &block, &slot);
    at = &tree->blocks[band][block];
    if ((*at)->refs > 1) {
        copy = block_copy(*at);
        if (!copy)
            return NULL;
        block_unref(*at);
        *at = copy;
    }
    (*at)->stored = false;
    return &(*at)->slot[slot];
}

int mls_tree_fork(const struct mls_tree *from, struct mls_tree *out)
{
    struct mls_tree t = {.width = from->width};

    for (unsigned band = 0; band <= MLS_BANDS; band++) {
        if (!from->blocks_n[band])
            continue;
        t.blocks[band] = xm_calloc(from->blocks_n[band], sizeof *t.blocks[band]);
        if (!t.blocks[band]) {
            mls_tree_free(&t);
            return ERR_NOMEM;
        }
        t.blocks_n[band] = from->blocks_n[band];
        for (uint32_t i = 0; i < t.blocks_n[band]; i++) {
            t.blocks[band][i] = from->blocks[band][i];
            t.blocks[band][i]->refs++;
        }
    }
    *out = t;
    return 0;
}

void mls_tree_free(struct mls_tree *tree)
{
    for (unsigned band = 0; band <= MLS_BANDS; band++) {
        for (uint32_t i = 0; i < tree->blocks_n[band]; i++)
            block_unref(tree->blocks[band][i]);
        xm_free(tree->blocks[band]);
    }
    *tree = (struct mls_tree){0};
}

/* Makes room first, so that nothing is lost when memory runs out half way. */
static int band_grow(struct mls_tree *tree, unsigned band, uint32_t want)
{
    struct mls_block **grown = xm_realloc(tree->blocks[band], want, sizeof(struct mls_block *));

    if (!grown)
        return ERR_NOMEM;
    tree->blocks[band] = grown;
    while (tree->blocks_n[band] < want) {
        struct mls_block *b = xm_alloc(sizeof *b);

        if (!b)
            return ERR_NOMEM; /* a few blocks too many do no harm */
        b->refs = 1;
        grown[tree->blocks_n[band]++] = b;
    }
    return 0;
}

static void band_shrink(struct mls_tree *tree, unsigned band, uint32_t want)
{
    while (tree->blocks_n[band] > want)
        block_unref(tree->blocks[band][--tree->blocks_n[band]]);
}

/* Slots of the kept blocks that are now out of the tree must not come back with old contents. */
static int clear_beyond(struct mls_tree *tree, uint32_t width)
{
    for (uint32_t x = mls_node_width(width); x < mls_node_width(tree->width); x++) {
        unsigned band, at;
        uint32_t block;
        struct mls_slot *slot;

        place(x, &band, &block, &at);
        if (block >= blocks_for(band, width))
            continue;
        if (!slot_of(tree, x)->node && !slot_of(tree, x)->hashed)
            continue;
        slot = slot_own(tree, x);
        if (!slot)
            return ERR_NOMEM;
        mls_node_unref(slot->node);
        slot->node = NULL;
        slot->hashed = false;
    }
    return 0;
}

int mls_tree_resize(struct mls_tree *tree, uint32_t width)
{
    int r;

    for (unsigned band = 0; band <= MLS_BANDS; band++)
        if (tree->blocks_n[band] < blocks_for(band, width) && (r = band_grow(tree, band, blocks_for(band, width))))
            return r;
    if (width < tree->width && (r = clear_beyond(tree, width)) != 0)
        return r;
    for (unsigned band = 0; band <= MLS_BANDS; band++)
        band_shrink(tree, band, blocks_for(band, width));
    tree->width = width;
    return 0;
}

int mls_tree_truncate(struct mls_tree *tree)
{
    uint32_t used = mls_tree_leaf_count(tree), width = tree->width;

    while (width > 1 && used <= width / 2)
        width /= 2;
    return width == tree->width ? 0 : mls_tree_resize(tree, width);
}

/* ---- Nodes ---- */

const struct mls_node *mls_tree_node(const struct mls_tree *tree, uint32_t x)
{
    return x < mls_node_width(tree->width) ? slot_of(tree, x)->node : NULL;
}

struct mls_slot *mls_tree_slot(struct mls_tree *tree, uint32_t x)
{
    unsigned band, slot;
    uint32_t block;

    place(x, &band, &block, &slot);
    return &tree->blocks[band][block]->slot[slot];
}

/* Clears cached hashes from x to the root; above an unhashed node there is no hash. */
static int unhash_path(struct mls_tree *tree, uint32_t x)
{
    uint32_t root = mls_root(tree->width);
    struct mls_slot *slot;

    for (;; x = mls_parent(x)) {
        if (!slot_of(tree, x)->hashed)
            return 0;
        slot = slot_own(tree, x);
        if (!slot)
            return ERR_NOMEM;
        slot->hashed = false;
        if (x == root)
            return 0;
    }
}

/* Owns all blocks on the way up before it changes anything. */
int mls_tree_set(struct mls_tree *tree, uint32_t x, struct mls_node *node)
{
    struct mls_slot *slot;
    uint32_t root = mls_root(tree->width);

    for (uint32_t y = x; slot_of(tree, y)->hashed; y = mls_parent(y)) {
        if (!slot_own(tree, y))
            goto nomem;
        if (y == root)
            break;
    }
    slot = slot_own(tree, x);
    if (!slot)
        goto nomem;
    unhash_path(tree, x);
    mls_node_unref(slot->node);
    slot->node = node;
    slot->key_tag = node ? mls_key_tag(mls_node_key(node)) : 0;
    slot->hashed = false;
    return 0;
nomem:
    mls_node_unref(node);
    return ERR_NOMEM;
}

uint32_t mls_tree_leaf_count(const struct mls_tree *tree)
{
    uint32_t n = tree->width;

    while (n && !mls_tree_node(tree, 2 * (n - 1)))
        n--;
    return n;
}

uint32_t mls_tree_member_count(const struct mls_tree *tree)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < tree->width; i++)
        n += mls_tree_node(tree, 2 * i) != NULL;
    return n;
}

bool mls_tree_find_signature_key(const struct mls_tree *tree, struct slice key, uint32_t *leaf_index)
{
    for (uint32_t i = 0; i < tree->width; i++) {
        const struct mls_leaf *leaf = mls_tree_leaf(tree, i);

        if (leaf && slice_eq(leaf->signature_key, key)) {
            *leaf_index = i;
            return true;
        }
    }
    return false;
}

uint32_t mls_key_tag(struct slice key)
{
    struct reader r = reader_of(key);

    return read_u32(&r);
}

static bool slot_has_key(const struct mls_slot *slot, const struct slice *keys, const uint32_t *tags, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (slot->node && slot->key_tag == tags[i] && slice_eq(mls_node_key(slot->node), keys[i]))
            return true;
    return false;
}

bool mls_tree_has_key(const struct mls_tree *tree, const struct slice *keys, size_t n)
{
    uint32_t tags[32];

    for (; n > 32; n--)
        if (mls_tree_has_key(tree, &keys[n - 1], 1))
            return true;
    for (size_t i = 0; i < n; i++)
        tags[i] = mls_key_tag(keys[i]);
    for (unsigned band = 0; band <= MLS_BANDS; band++)
        for (uint32_t b = 0; b < tree->blocks_n[band]; b++)
            for (size_t i = 0; i < MLS_BLOCK_SLOTS; i++)
                if (slot_has_key(&tree->blocks[band][b]->slot[i], keys, tags, n))
                    return true;
    return false;
}

/* ---- Resolution ---- */

void mls_indices_add(struct mls_indices *list, uint32_t x)
{
    size_t cap = list->cap ? 2 * list->cap : 16;
    uint32_t *grown;

    if (list->bad)
        return;
    if (list->n == list->cap) {
        grown = xm_realloc(list->v, cap, sizeof *grown);
        if (!grown) {
            list->bad = true;
            return;
        }
        list->v = grown;
        list->cap = cap;
    }
    list->v[list->n++] = x;
}

void mls_indices_free(struct mls_indices *list)
{
    xm_free(list->v);
    *list = (struct mls_indices){0};
}

static bool indices_have(const struct mls_indices *sorted, uint32_t x)
{
    size_t lo = 0, hi = sorted ? sorted->n : 0;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (sorted->v[mid] == x)
            return true;
        if (sorted->v[mid] < x)
            lo = mid + 1;
        else
            hi = mid;
    }
    return false;
}

static void add_leaf_unless(struct mls_indices *out, uint32_t leaf, const struct mls_indices *without)
{
    if (!indices_have(without, leaf))
        mls_indices_add(out, 2 * leaf);
}

static void resolve(const struct mls_tree *tree, uint32_t x, const struct mls_indices *without,
                    struct mls_indices *out)
{
    const struct mls_node *n = mls_tree_node(tree, x);
    struct reader r;

    if (n && n->is_leaf) {
        add_leaf_unless(out, x / 2, without);
    } else if (n) {
        mls_indices_add(out, x);
        for (r = reader_of(n->parent.unmerged); reader_left(&r);) {
            uint32_t leaf = read_u32(&r);

            if (leaf < tree->width)
                add_leaf_unless(out, leaf, without);
        }
    } else if (mls_level(x)) {
        resolve(tree, mls_left(x), without, out);
        resolve(tree, mls_right(x), without, out);
    }
}

int mls_tree_resolution(const struct mls_tree *tree, uint32_t x, const struct mls_indices *without,
                        struct mls_indices *out)
{
    resolve(tree, x, without, out);
    return out->bad ? ERR_NOMEM : 0;
}

bool mls_tree_resolves_to_nothing(const struct mls_tree *tree, uint32_t x)
{
    if (mls_tree_node(tree, x))
        return false;
    return mls_level(x) == 0 ||
           (mls_tree_resolves_to_nothing(tree, mls_left(x)) && mls_tree_resolves_to_nothing(tree, mls_right(x)));
}

int mls_tree_filtered_path(const struct mls_tree *tree, uint32_t leaf_index, struct mls_indices *out)
{
    uint32_t root = mls_root(tree->width);

    for (uint32_t x = 2 * leaf_index; x != root; x = mls_parent(x))
        if (!mls_tree_resolves_to_nothing(tree, mls_sibling(x)))
            mls_indices_add(out, mls_parent(x));
    return out->bad ? ERR_NOMEM : 0;
}
