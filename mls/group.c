/* Groups: creation, end, and looking at them. */
#include "mls/group.h"

#include "base/alloc.h"
#include "base/err.h"
#include "crypto/x25519.h"
#include "mls/rules.h"
#include "mls/suite.h"

#include <sodium.h>
#include <string.h>

struct mls_config mls_config_default(void)
{
    return (struct mls_config){
        .out_of_order_tolerance = 5,
        .max_forward_distance = 1000,
        .past_epochs = 3,
        .max_leaves = MLS_MAX_LEAVES,
    };
}

struct mls_group *mls_group_alloc(const struct mls_config *config)
{
    struct mls_group *g = xm_alloc(sizeof *g);

    if (!g)
        return NULL;
    g->config = *config;
    if (!g->config.max_leaves || g->config.max_leaves > MLS_MAX_LEAVES)
        g->config.max_leaves = MLS_MAX_LEAVES;
    g->active = true;
    return g;
}

void mls_epoch_free(struct mls_epoch *epoch)
{
    if (!epoch)
        return;
    for (uint32_t i = 0; i < epoch->leaves_n; i++)
        mls_node_unref(epoch->leaves[i].node);
    xm_free(epoch->leaves);
    bytes_free(&epoch->context);
    mls_secret_tree_wipe(&epoch->tree);
    xm_free_secret(epoch, sizeof *epoch);
}

void mls_group_free(struct mls_group *g)
{
    if (!g)
        return;
    for (uint32_t i = 0; i < g->past_n; i++)
        mls_epoch_free(g->past[i]);
    for (uint32_t i = 0; i < g->pending_n; i++)
        bytes_free(&g->pending[i].raw);
    xm_free(g->past);
    xm_free(g->pending);
    xm_free(g->gone);
    xm_free_secret(g->resumption, g->resumption_n * sizeof *g->resumption);
    bytes_free(&g->context);
    mls_tree_free(&g->tree);
    mls_secret_tree_wipe(&g->secret_tree);
    xm_free_secret(g, sizeof *g);
}

int mls_group_set_context(struct mls_group *g, struct bytes *context)
{
    struct reader r = reader_of(bytes_slice(context));
    struct mls_group_context ctx;

    if (!mls_parse_group_context(&r, &ctx) || !reader_done(&r))
        return ERR_MALFORMED;
    bytes_free(&g->context);
    g->context = *context;
    *context = (struct bytes){0};
    g->ctx = ctx;
    return 0;
}

int mls_context_next(const struct mls_group_context *from, uint64_t epoch, struct slice tree_hash,
                     struct slice confirmed, struct slice extensions, struct bytes *out)
{
    struct mls_group_context next = *from;
    struct buf b = BUF_INIT;

    next.epoch = epoch;
    next.tree_hash = tree_hash;
    next.confirmed_transcript_hash = confirmed;
    next.extensions = extensions;
    mls_put_group_context(&b, &next);
    return buf_take(&b, out);
}

/* ---- A new group ---- */

static int create_tree(struct mls_group *g, const struct mls_leaf_params *leaf, const struct rand *rand)
{
    struct x25519_key key;
    struct buf raw = BUF_INIT;
    uint32_t index;
    int e;

    x25519_generate(rand, &key);
    memcpy(g->priv.leaf, key.secret, MLS_KEY_LEN);
    e = mls_leaf_make(leaf, key.public_key, &raw);
    x25519_wipe(&key);
    if (e == 0)
        e = mls_tree_add_leaf(&g->tree, buf_slice(&raw), g->config.max_leaves, &index);
    buf_free(&raw);
    return e;
}

/* RFC 9420 section 11. */
static int create_secrets(struct mls_group *g, const struct rand *rand)
{
    uint8_t epoch_secret[MLS_HASH_LEN];
    int e;

    rand_fill(rand, epoch_secret, sizeof epoch_secret);
    mls_schedule_from_epoch_secret(epoch_secret, &g->secrets);
    sodium_memzero(epoch_secret, sizeof epoch_secret);
    mls_confirmation_tag(&g->secrets, (struct slice){0}, g->confirmation_tag);
    mls_interim_transcript_hash((struct slice){0}, slice_of(g->confirmation_tag, MLS_HASH_LEN), g->interim);
    e = mls_secret_tree_init(&g->secret_tree, g->ctx.suite, 0, g->tree.width, g->secrets.encryption);
    sodium_memzero(g->secrets.encryption, sizeof g->secrets.encryption);
    return e;
}

int mls_group_create(const struct mls_config *config, uint16_t suite, struct slice group_id,
                     const struct mls_leaf_params *leaf, struct slice extensions, const struct rand *rand,
                     struct mls_group **out, struct err *err)
{
    struct mls_group_context ctx = {.version = MLS_VERSION_10, .suite = suite, .group_id = group_id};
    struct mls_group *g = NULL;
    struct bytes context = {0};
    int e;

    if (!mls_suite_known(suite))
        return err_set(err, ERR_UNSUPPORTED, "ciphersuite 0x%04x", suite);
    if ((e = mls_extensions_check(extensions, err)) != 0 || (e = mls_extensions_check(leaf->extensions, err)) != 0)
        return e;
    if (!(g = mls_group_alloc(config))) {
        e = ERR_NOMEM;
        goto done;
    }
    if ((e = create_tree(g, leaf, rand)) != 0 ||
        (e = mls_leaf_fits(config, mls_tree_leaf(&g->tree, 0), suite, extensions, err)) != 0 ||
        (e = mls_context_next(&ctx, 0, slice_of(mls_tree_hash(&g->tree, 0), MLS_HASH_LEN), (struct slice){0},
                              extensions, &context)) != 0 ||
        (e = mls_group_set_context(g, &context)) != 0 || (e = create_secrets(g, rand)) != 0)
        goto done;
    g->state_dirty = true;
    *out = g;
    g = NULL;
done:
    bytes_free(&context);
    mls_group_free(g);
    return e ? err_wrap(err, e, "creating a group") : 0;
}

/* ---- Looking ---- */

uint16_t mls_group_suite(const struct mls_group *group)
{
    return group->ctx.suite;
}

struct slice mls_group_id(const struct mls_group *group)
{
    return group->ctx.group_id;
}

uint64_t mls_group_epoch(const struct mls_group *group)
{
    return group->ctx.epoch;
}

struct slice mls_group_epoch_authenticator(const struct mls_group *group)
{
    return slice_of(group->secrets.authenticator, MLS_HASH_LEN);
}

struct slice mls_group_tree_hash(const struct mls_group *group)
{
    return group->ctx.tree_hash;
}

struct slice mls_group_confirmed_transcript_hash(const struct mls_group *group)
{
    return group->ctx.confirmed_transcript_hash;
}

struct slice mls_group_extensions(const struct mls_group *group)
{
    return group->ctx.extensions;
}

bool mls_group_is_active(const struct mls_group *group)
{
    return group->active;
}

uint32_t mls_group_own_leaf_index(const struct mls_group *group)
{
    return group->own_leaf;
}

uint32_t mls_group_leaf_count(const struct mls_group *group)
{
    return mls_tree_leaf_count(&group->tree);
}

uint32_t mls_group_member_count(const struct mls_group *group)
{
    return mls_tree_member_count(&group->tree);
}

const struct mls_leaf *mls_group_leaf(const struct mls_group *group, uint32_t leaf_index)
{
    return mls_tree_leaf(&group->tree, leaf_index);
}

bool mls_group_find_leaf(const struct mls_group *group, struct slice signature_key, uint32_t *leaf_index)
{
    return mls_tree_find_signature_key(&group->tree, signature_key, leaf_index);
}

int mls_group_export(const struct mls_group *group, const char *label, struct slice context, size_t len,
                     uint8_t *out, struct err *err)
{
    if (!group->active)
        return err_set(err, ERR_STATE, "the group is no longer active");
    if (mls_exporter(group->secrets.exporter, slice_str(label), context, out, len) != 0)
        return err_set(err, ERR_TOOBIG, "an exported secret of %zu bytes", len);
    return 0;
}

static bool is_among(const uint32_t *list, size_t n, uint32_t x)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == x)
            return true;
    return false;
}

static bool keys_collide(const struct mls_key_package *a, const struct mls_key_package *b)
{
    return slice_eq(a->leaf.signature_key, b->leaf.signature_key) ||
           slice_eq(a->leaf.encryption_key, b->leaf.encryption_key) || slice_eq(a->init_key, b->init_key) ||
           slice_eq(a->init_key, b->leaf.encryption_key) || slice_eq(a->leaf.encryption_key, b->init_key);
}

/* A leaf with the key of a parent would keep everybody out who comes later (section 12.4.3.1). */
static bool parent_has_key(const struct mls_tree *tree, struct slice key)
{
    for (uint32_t x = 1; x < mls_node_width(tree->width); x += 2)
        if (mls_tree_node(tree, x) && slice_eq(mls_node_key(mls_tree_node(tree, x)), key))
            return true;
    return false;
}

int mls_group_can_add(const struct mls_group *group, const struct mls_key_package *kp,
                      const struct mls_key_package *with, size_t with_n, const uint32_t *removes, size_t removes_n,
                      struct err *err)
{
    int e;

    if (kp->suite != group->ctx.suite || kp->version != group->ctx.version)
        return err_set(err, ERR_DENIED, "the key package is for another suite or version");
    if ((e = mls_leaf_fits(&group->config, &kp->leaf, group->ctx.suite, group->ctx.extensions, err)) != 0)
        return e;
    for (uint32_t i = 0; i < group->tree.width; i++) {
        const struct mls_leaf *leaf = mls_tree_leaf(&group->tree, i);

        if (!leaf || is_among(removes, removes_n, i))
            continue;
        if (slice_eq(leaf->signature_key, kp->leaf.signature_key) ||
            slice_eq(leaf->encryption_key, kp->leaf.encryption_key) || slice_eq(leaf->encryption_key, kp->init_key))
            return err_set(err, ERR_DENIED, "a key of the key package is leaf %u's already", i);
    }
    if (parent_has_key(&group->tree, kp->leaf.encryption_key))
        return err_set(err, ERR_DENIED, "the key package's leaf has the key of another node");
    for (size_t i = 0; i < with_n; i++)
        if (keys_collide(kp, &with[i]))
            return err_set(err, ERR_DENIED, "a key of the key package is in another one's too");
    return 0;
}
