#include "mls/secret_tree.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/reader.h"
#include "mls/tree_math.h"

#include <sodium.h>
#include <string.h>

struct secret_node {
    bool present; /* false: consumed, and the store may still have it */
    bool dirty;
    uint8_t secret[MLS_HASH_LEN];
};

void mls_message_key_wipe(struct mls_message_key *key)
{
    sodium_memzero(key, sizeof *key);
}

static void ratchet_free(struct mls_ratchet *r)
{
    if (!r)
        return;
    xm_free_secret(r->skipped, r->skipped_n * sizeof *r->skipped);
    xm_free_secret(r, sizeof *r);
}

/* ---- Node secrets ---- */

static int put_node(struct mls_secret_tree *tree, uint32_t x, const uint8_t secret[MLS_HASH_LEN], bool dirty)
{
    struct secret_node *n = mls_map_get(&tree->nodes, x);

    if (!n) {
        n = xm_alloc(sizeof *n);
        if (!n)
            return ERR_NOMEM;
        if (mls_map_put(&tree->nodes, x, n) != 0) {
            xm_free(n);
            return ERR_NOMEM;
        }
    }
    n->present = secret != NULL;
    n->dirty = dirty;
    if (secret)
        memcpy(n->secret, secret, sizeof n->secret);
    else
        sodium_memzero(n->secret, sizeof n->secret);
    return 0;
}

int mls_secret_tree_init(struct mls_secret_tree *tree, uint16_t suite, uint64_t epoch, uint32_t width,
                         const uint8_t encryption_secret[MLS_HASH_LEN])
{
    *tree = (struct mls_secret_tree){.suite = suite, .epoch = epoch, .width = width};
    return put_node(tree, mls_root(width), encryption_secret, true);
}

void mls_secret_tree_stored(struct mls_secret_tree *tree, uint16_t suite, uint64_t epoch, uint32_t width,
                            const struct mls_piece_source *source)
{
    *tree = (struct mls_secret_tree){.suite = suite, .epoch = epoch, .width = width, .source = source};
}

static void free_ratchets(struct mls_map *map)
{
    for (size_t i = 0; i < map->cap; i++)
        ratchet_free(map->entries[i].value);
    mls_map_free(map);
}

void mls_secret_tree_wipe(struct mls_secret_tree *tree)
{
    for (size_t i = 0; i < tree->nodes.cap; i++)
        xm_free_secret(tree->nodes.entries[i].value, sizeof(struct secret_node));
    mls_map_free(&tree->nodes);
    free_ratchets(&tree->ratchets[0]);
    free_ratchets(&tree->ratchets[1]);
    *tree = (struct mls_secret_tree){0};
}

static int load_piece(const struct mls_secret_tree *tree, uint16_t kind, uint32_t index, struct bytes *out,
                      struct err *err)
{
    struct mls_piece_key key = {kind, tree->epoch, index};

    return tree->source ? tree->source->get(tree->source->ctx, &key, out, err) : ERR_NOTFOUND;
}

/* The secret of a node, from memory or the store; ERR_NOTFOUND. */
static int get_node(struct mls_secret_tree *tree, uint32_t x, uint8_t out[MLS_HASH_LEN], struct err *err)
{
    struct secret_node *n = mls_map_get(&tree->nodes, x);
    struct bytes data = {0};
    int e;

    if (!n) {
        if ((e = load_piece(tree, MLS_PIECE_SECRET_NODE, x, &data, err)) != 0)
            return e;
        e = data.len == MLS_HASH_LEN ? put_node(tree, x, data.data, false)
                                     : err_set(err, ERR_CORRUPT, "secret of node %u has %zu bytes", x, data.len);
        bytes_wipe(&data);
        if (e)
            return e;
        n = mls_map_get(&tree->nodes, x);
    }
    if (!n->present)
        return ERR_NOTFOUND;
    memcpy(out, n->secret, MLS_HASH_LEN);
    return 0;
}

/* ---- Ratchets ---- */

static int piece_kind(enum mls_ratchet_type type)
{
    return type == MLS_RATCHET_HANDSHAKE ? MLS_PIECE_HANDSHAKE_RATCHET : MLS_PIECE_APPLICATION_RATCHET;
}

static void ratchet_put(struct buf *b, const struct mls_ratchet *r, size_t key_len)
{
    buf_put_u32(b, r->generation);
    buf_put(b, r->secret, sizeof r->secret);
    for (uint32_t i = 0; i < r->skipped_n; i++) {
        buf_put_u32(b, r->skipped[i].generation);
        buf_put(b, r->skipped[i].key, key_len);
        buf_put(b, r->skipped[i].nonce, MLS_NONCE_LEN);
    }
}

static void read_into(struct reader *r, uint8_t *out, size_t len)
{
    struct slice s = read_bytes(r, len);

    if (s.len)
        memcpy(out, s.data, len);
}

/* NULL when out of memory or `data` does not decode (*bad). */
static struct mls_ratchet *ratchet_parse(struct slice data, size_t key_len, bool *bad)
{
    size_t each = 4 + key_len + MLS_NONCE_LEN, head = 4 + MLS_HASH_LEN;
    struct reader r = reader_of(data);
    struct mls_ratchet *out;
    uint32_t n;

    *bad = data.len < head || (data.len - head) % each;
    if (*bad)
        return NULL;
    n = (uint32_t)((data.len - head) / each);
    out = xm_alloc(sizeof *out);
    if (!out)
        return NULL;
    out->generation = read_u32(&r);
    read_into(&r, out->secret, sizeof out->secret);
    if (n) {
        out->skipped = xm_calloc(n, sizeof *out->skipped);
        if (!out->skipped) {
            ratchet_free(out);
            return NULL;
        }
        out->skipped_n = n;
    }
    for (uint32_t i = 0; i < n; i++) {
        out->skipped[i].generation = read_u32(&r);
        read_into(&r, out->skipped[i].key, key_len);
        read_into(&r, out->skipped[i].nonce, MLS_NONCE_LEN);
    }
    return out;
}

/* The stored state, or ERR_NOTFOUND when the leaf has none yet. */
static int get_ratchet(struct mls_secret_tree *tree, uint32_t leaf, enum mls_ratchet_type type,
                       struct mls_ratchet **out, struct err *err)
{
    struct mls_ratchet *r = mls_map_get(&tree->ratchets[type], leaf);
    struct bytes data = {0};
    bool bad;
    int e;

    if (!r) {
        if ((e = load_piece(tree, (uint16_t)piece_kind(type), leaf, &data, err)) != 0)
            return e;
        r = ratchet_parse(bytes_slice(&data), mls_suite_key_len(tree->suite), &bad);
        bytes_wipe(&data);
        if (!r)
            return bad ? err_set(err, ERR_CORRUPT, "ratchet of leaf %u does not decode", leaf) : ERR_NOMEM;
        if (mls_map_put(&tree->ratchets[type], leaf, r) != 0) {
            ratchet_free(r);
            return ERR_NOMEM;
        }
    }
    *out = r;
    return 0;
}

/* Key and nonce of the ratchet's generation, then the next secret in place of this one. */
static void step(struct mls_ratchet *r, size_t key_len, struct mls_message_key *key)
{
    uint8_t next[MLS_HASH_LEN];

    if (key) {
        key->generation = r->generation;
        mls_derive_tree_secret(r->secret, "key", r->generation, key->key, key_len);
        mls_derive_tree_secret(r->secret, "nonce", r->generation, key->nonce, MLS_NONCE_LEN);
    }
    mls_derive_tree_secret(r->secret, "secret", r->generation, next, sizeof next);
    memcpy(r->secret, next, sizeof next);
    sodium_memzero(next, sizeof next);
    r->generation++;
}

/* An older generation: taken out of the skipped keys. */
static int take_skipped(const struct mls_ratchet *now, uint32_t generation, struct mls_ratchet *then,
                        struct mls_message_key *key)
{
    uint32_t kept = 0;
    bool found = false;

    then->skipped = xm_calloc(now->skipped_n, sizeof *then->skipped);
    if (!then->skipped)
        return ERR_NOMEM;
    then->skipped_n = now->skipped_n; /* the allocated size, for wiping */
    for (uint32_t i = 0; i < now->skipped_n; i++) {
        if (now->skipped[i].generation == generation) {
            *key = now->skipped[i];
            found = true;
        } else {
            then->skipped[kept++] = now->skipped[i];
        }
    }
    then->skipped_n = kept;
    return found ? 0 : ERR_NOTFOUND;
}

/* A generation that is still to come: derived, with the keys within the tolerance kept.  The window
 * ends at the generation being read, which counts as one of its places. */
static int run_forward(const struct mls_ratchet *now, uint32_t generation, uint32_t tolerance, size_t key_len,
                       struct mls_ratchet *then, struct mls_message_key *key)
{
    uint32_t end = generation + 1, from = end > tolerance ? end - tolerance : 0, room;

    room = now->skipped_n + (tolerance < generation - now->generation ? tolerance : generation - now->generation);
    if (room) {
        then->skipped = xm_calloc(room, sizeof *then->skipped);
        if (!then->skipped)
            return ERR_NOMEM;
    }
    for (uint32_t i = 0; i < now->skipped_n; i++)
        if (now->skipped[i].generation >= from)
            then->skipped[then->skipped_n++] = now->skipped[i];
    while (then->generation < generation)
        step(then, key_len, then->generation >= from ? &then->skipped[then->skipped_n++] : NULL);
    step(then, key_len, key);
    return 0;
}

static int ratchet_key(const struct mls_ratchet *now, const struct mls_config *config, uint32_t generation,
                       size_t key_len, struct mls_ratchet **out, struct mls_message_key *key, struct err *err)
{
    struct mls_ratchet *then;
    int e;

    if (generation >= now->generation && generation - now->generation > config->max_forward_distance)
        return err_set(err, ERR_TOOBIG, "generation %u is too far ahead of %u", generation, now->generation);
    if (generation == UINT32_MAX)
        return err_set(err, ERR_TOOBIG, "the ratchet is at its end");
    if (generation < now->generation && now->generation - generation > config->out_of_order_tolerance)
        return err_set(err, ERR_NOTFOUND, "generation %u is too far behind %u", generation, now->generation);
    then = xm_alloc(sizeof *then);
    if (!then)
        return ERR_NOMEM;
    then->generation = now->generation;
    memcpy(then->secret, now->secret, sizeof then->secret);
    if (generation < now->generation)
        e = take_skipped(now, generation, then, key);
    else
        e = run_forward(now, generation, config->out_of_order_tolerance, key_len, then, key);
    if (e) {
        ratchet_free(then);
        return e == ERR_NOTFOUND ? err_set(err, e, "generation %u was read before", generation) : e;
    }
    *out = then;
    return 0;
}

/* ---- From a node secret down to a leaf ---- */

static void derive_child(const uint8_t secret[MLS_HASH_LEN], bool right, uint8_t out[MLS_HASH_LEN])
{
    mls_expand_with_label(secret, slice_str("tree"), slice_str(right ? "right" : "left"), out, MLS_HASH_LEN);
}

/* Finds the lowest node above the leaf that still has a secret. */
static int nearest_secret(struct mls_secret_tree *tree, uint32_t leaf, uint32_t *x, uint8_t secret[MLS_HASH_LEN],
                          struct err *err)
{
    uint32_t root = mls_root(tree->width);
    int e;

    for (*x = 2 * leaf;; *x = mls_parent(*x)) {
        e = get_node(tree, *x, secret, err);
        if (e != ERR_NOTFOUND)
            return e;
        if (*x == root)
            return err_set(err, ERR_NOTFOUND, "the keys of leaf %u are gone", leaf);
    }
}

static int derive_leaf(struct mls_secret_tree *tree, uint32_t leaf, struct mls_secret_change *change, struct err *err)
{
    uint8_t secret[MLS_HASH_LEN], child[MLS_HASH_LEN];
    uint32_t x;
    int e;

    if ((e = nearest_secret(tree, leaf, &x, secret, err)) != 0)
        return e;
    change->derived = true;
    change->from = x;
    while (x != 2 * leaf) {
        bool right = 2 * leaf > x;

        change->nodes[change->nodes_n].node = right ? mls_left(x) : mls_right(x);
        derive_child(secret, !right, change->nodes[change->nodes_n++].secret);
        derive_child(secret, right, child);
        memcpy(secret, child, sizeof secret);
        x = right ? mls_right(x) : mls_left(x);
    }
    for (int type = 0; type < 2; type++) {
        change->ratchet[type] = xm_alloc(sizeof *change->ratchet[type]);
        if (!change->ratchet[type]) {
            e = ERR_NOMEM;
            break;
        }
        mls_derive_secret(secret, type == MLS_RATCHET_APPLICATION ? "application" : "handshake",
                          change->ratchet[type]->secret);
    }
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(child, sizeof child);
    return e;
}

static int find_key(struct mls_secret_tree *tree, const struct mls_config *config, uint32_t leaf,
                    enum mls_ratchet_type type, const uint32_t *generation, struct mls_message_key *key,
                    struct mls_secret_change *change, struct err *err)
{
    struct mls_ratchet *now = NULL, *then = NULL;
    struct mls_secret_change made = {.leaf = leaf, .version = tree->version};
    struct mls_message_key found = {0};
    int e;

    if (leaf >= tree->width)
        return err_set(err, ERR_AUTH, "leaf %u is outside the tree", leaf);
    e = get_ratchet(tree, leaf, type, &now, err);
    if (e == ERR_NOTFOUND && (e = derive_leaf(tree, leaf, &made, err)) == 0)
        now = made.ratchet[type];
    if (e == 0)
        e = ratchet_key(now, config, generation ? *generation : now->generation, mls_suite_key_len(tree->suite), &then,
                        &found, err);
    if (e) {
        mls_secret_change_wipe(&made);
        mls_message_key_wipe(&found);
        return e == ERR_NOMEM ? err_set(err, e, "message key") : e;
    }
    ratchet_free(made.ratchet[type]);
    made.ratchet[type] = then;
    *change = made;
    *key = found;
    sodium_memzero(&made, sizeof made);
    mls_message_key_wipe(&found);
    return 0;
}

int mls_secret_tree_key(struct mls_secret_tree *tree, const struct mls_config *config, uint32_t leaf,
                        enum mls_ratchet_type type, uint32_t generation, struct mls_message_key *key,
                        struct mls_secret_change *change, struct err *err)
{
    return find_key(tree, config, leaf, type, &generation, key, change, err);
}

int mls_secret_tree_next(struct mls_secret_tree *tree, const struct mls_config *config, uint32_t leaf,
                         enum mls_ratchet_type type, struct mls_message_key *key, struct mls_secret_change *change,
                         struct err *err)
{
    return find_key(tree, config, leaf, type, NULL, key, change, err);
}

void mls_secret_change_wipe(struct mls_secret_change *change)
{
    ratchet_free(change->ratchet[0]);
    ratchet_free(change->ratchet[1]);
    sodium_memzero(change, sizeof *change);
}

/* Everything that can fail comes first: room in the maps, and the node records. */
static int apply_nodes(struct mls_secret_tree *tree, const struct mls_secret_change *change)
{
    uint32_t i;

    if (!change->derived)
        return 0;
    for (i = 0; i < change->nodes_n; i++)
        if (put_node(tree, change->nodes[i].node, change->nodes[i].secret, true) != 0)
            break;
    if (i == change->nodes_n && put_node(tree, change->from, NULL, true) == 0)
        return 0;
    while (i--) /* they exist now, so this cannot fail */
        put_node(tree, change->nodes[i].node, NULL, true);
    return ERR_NOMEM;
}

int mls_secret_tree_apply(struct mls_secret_tree *tree, struct mls_secret_change *change)
{
    if (change->version != tree->version)
        return ERR_STATE;
    if (mls_map_reserve(&tree->ratchets[0], 1) != 0 || mls_map_reserve(&tree->ratchets[1], 1) != 0 ||
        apply_nodes(tree, change) != 0)
        return ERR_NOMEM;
    for (int type = 0; type < 2; type++) {
        if (!change->ratchet[type])
            continue;
        ratchet_free(mls_map_get(&tree->ratchets[type], change->leaf));
        change->ratchet[type]->dirty = true;
        mls_map_put(&tree->ratchets[type], change->leaf, change->ratchet[type]);
        change->ratchet[type] = NULL;
    }
    tree->version++;
    mls_secret_change_wipe(change);
    return 0;
}

/* ---- Stored pieces ---- */

bool mls_secret_tree_is_dirty(const struct mls_secret_tree *tree)
{
    for (size_t i = 0; i < tree->nodes.cap; i++) {
        const struct secret_node *n = tree->nodes.entries[i].value;

        if (n && n->dirty)
            return true;
    }
    for (int type = 0; type < 2; type++) {
        for (size_t i = 0; i < tree->ratchets[type].cap; i++) {
            const struct mls_ratchet *r = tree->ratchets[type].entries[i].value;

            if (r && r->dirty)
                return true;
        }
    }
    return false;
}

static int write_nodes(const struct mls_secret_tree *tree, const struct mls_piece_sink *sink, struct err *err)
{
    int e;

    for (size_t i = 0; i < tree->nodes.cap; i++) {
        const struct secret_node *n = tree->nodes.entries[i].value;
        struct mls_piece_key key = {MLS_PIECE_SECRET_NODE, tree->epoch, tree->nodes.entries[i].key};

        if (!n || !n->dirty)
            continue;
        e = sink->put(sink->ctx, &key, n->present ? slice_of(n->secret, MLS_HASH_LEN) : (struct slice){0}, err);
        if (e)
            return e;
    }
    return 0;
}

static int write_ratchets(const struct mls_secret_tree *tree, enum mls_ratchet_type type,
                          const struct mls_piece_sink *sink, struct err *err)
{
    const struct mls_map *map = &tree->ratchets[type];
    struct buf b = BUF_SECRET;
    int e = 0;

    for (size_t i = 0; i < map->cap && e == 0; i++) {
        const struct mls_ratchet *r = map->entries[i].value;
        struct mls_piece_key key = {(uint16_t)piece_kind(type), tree->epoch, map->entries[i].key};

        if (!r || !r->dirty)
            continue;
        buf_reset(&b);
        ratchet_put(&b, r, mls_suite_key_len(tree->suite));
        e = buf_ok(&b) ? sink->put(sink->ctx, &key, buf_slice(&b), err) : err_set(err, ERR_NOMEM, "ratchet");
    }
    buf_free(&b);
    return e;
}

int mls_secret_tree_write(const struct mls_secret_tree *tree, const struct mls_piece_sink *sink, struct err *err)
{
    int e;

    if ((e = write_nodes(tree, sink, err)) != 0 ||
        (e = write_ratchets(tree, MLS_RATCHET_HANDSHAKE, sink, err)) != 0)
        return e;
    return write_ratchets(tree, MLS_RATCHET_APPLICATION, sink, err);
}

void mls_secret_tree_written(struct mls_secret_tree *tree)
{
    for (size_t i = 0; i < tree->nodes.cap; i++) {
        struct secret_node *n = tree->nodes.entries[i].value;

        if (n)
            n->dirty = false;
    }
    for (int type = 0; type < 2; type++) {
        for (size_t i = 0; i < tree->ratchets[type].cap; i++) {
            struct mls_ratchet *r = tree->ratchets[type].entries[i].value;

            if (r)
                r->dirty = false;
        }
    }
}

void mls_secret_tree_end_handshake(struct mls_secret_tree *tree)
{
    free_ratchets(&tree->ratchets[MLS_RATCHET_HANDSHAKE]);
}
