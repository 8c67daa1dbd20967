/* Trees, GroupInfos and Welcomes against the rules (RFC 9420 section 12.4.3), signed and sealed by a member who
 * keeps none: a joiner takes none of them, and says what is wrong. */
#include "crypto/crypto.h"
#include "crypto/hash.h"
#include "mls/suite.h"
#include "tests/mls/forge.h"
#include "tests/test.h"

#include <stdio.h>

static struct rand_seed seed;
static struct rand rnd;

#define MEMBERS 8

/* A tree of eight leaves, 0 to 4 in use, with parents; 3 is an unmerged leaf of the root and of node 3, node 5 is blank. */
static void begin(struct kit_member *m)
{
    struct mls_commit_params path = {.force_path = true};

    rnd = rand_seeded(&seed, 11);
    for (unsigned i = 0; i < MEMBERS; i++) {
        kit_member_init(&m[i], i, MLS_SUITE_CHACHA20, &rnd);
        m[i].config.flags = MLS_ALLOW_PSK;
    }
    kit_create(&m[0], &rnd);
    kit_add(&m[0], m, 1, &m[1], 4, &rnd);
    for (unsigned i = 0; i < 5; i++)
        kit_commit(&m[i], &path, m, 5, NULL, 0, &rnd);
    kit_commit(&m[0], &(struct mls_commit_params){.removes = (uint32_t[]){3}, .removes_n = 1}, m, 5, NULL, 0, &rnd);
    kit_commit(&m[2], &path, m, 5, NULL, 0, &rnd);
    kit_member_free(&m[3]);
    kit_member_init(&m[3], 3, MLS_SUITE_CHACHA20, &rnd);
    kit_add(&m[0], m, 5, &m[3], 1, &rnd);
    assert_int_equal(mls_group_own_leaf_index(m[3].g), 3);
}

static void end(struct kit_member *m)
{
    for (unsigned i = 0; i < MEMBERS; i++)
        kit_member_free(&m[i]);
}

/* ---- GroupInfo and tree ---- */

static int enter(struct kit_member *m, void (*edit)(struct forge_info *info, void *ctx), struct err *err)
{
    struct bytes info = forge_group_info(&m[1], edit, m), message = {0};
    struct mls_leaf_params leaf = kit_leaf(&m[5]);
    struct mls_group *g = NULL;
    int e = mls_group_join_external(&m[5].config, bytes_slice(&info), &leaf, &rnd, &message, &g, err);

    mls_group_free(g);
    bytes_free(&message);
    bytes_free(&info);
    return e;
}

static void set_node(struct forge_info *info, uint32_t x, struct mls_node *node)
{
    if (!node)
        fail_msg("node %u does not parse", x);
    assert_int_equal(mls_tree_set(&info->tree, x, node), 0);
}

static const struct mls_parent *parent(const struct forge_info *info, uint32_t x)
{
    const struct mls_node *n = mls_tree_node(&info->tree, x);

    if (!n)
        fail_msg("node %u is blank", x);
    return &n->parent;
}

static void set_unmerged(struct forge_info *info, uint32_t x, const char *leaves, size_t n)
{
    set_node(info, x, mls_node_make_parent(parent(info, x)->encryption_key, parent(info, x)->parent_hash,
                                           slice_of(leaves, n)));
}

static void set_key(struct forge_info *info, uint32_t x, struct slice key)
{
    set_node(info, x, mls_node_make_parent(key, parent(info, x)->parent_hash, parent(info, x)->unmerged));
}

/* The leaf of somebody, changed and signed by them. */
static void set_leaf(struct forge_info *info, struct kit_member *m, uint32_t i, struct mls_leaf leaf)
{
    struct bytes raw = forge_leaf(&m[i], leaf, info->ctx.group_id, i);

    set_node(info, 2 * i, mls_node_from_leaf(bytes_slice(&raw)));
    bytes_free(&raw);
}

static struct mls_leaf leaf_of(const struct forge_info *info, uint32_t i)
{
    return *mls_tree_leaf(&info->tree, i);
}

static void nobody_signs(struct forge_info *info, void *ctx) { (void)ctx; info->signer = 5; }
static void beyond_signs(struct forge_info *info, void *ctx) { (void)ctx; info->signer = 900; }
static void another_signs(struct forge_info *info, void *ctx) { (void)ctx; info->signer = 2; }
static void suite_unknown(struct forge_info *info, void *ctx) { (void)ctx; info->ctx.suite = 7; }
static void version_unknown(struct forge_info *info, void *ctx) { (void)ctx; info->ctx.version = 2; }
static void context_twice(struct forge_info *info, void *ctx)
{
    (void)ctx;
    info->ctx.extensions = slice_of("\x1a\x1a\x00\x1a\x1a\x00", 6);
}
static void info_twice(struct forge_info *info, void *ctx)
{
    (void)ctx;
    mls_extension_put(&info->extensions, MLS_EXT_EXTERNAL_PUB, slice_str("x"));
}
static void no_external_key(struct forge_info *info, void *ctx) { (void)ctx; buf_reset(&info->extensions); }
static void long_external_key(struct forge_info *info, void *ctx)
{
    (void)ctx;
    buf_reset(&info->extensions);
    mls_extension_put(&info->extensions, MLS_EXT_EXTERNAL_PUB, slice_of("\x01\x01\x01", 3));
}
static void requires_more(struct forge_info *info, void *ctx)
{
    static const uint16_t unknown = 0x3a3a;
    static struct buf list, body;

    (void)ctx;
    buf_free(&list);
    buf_free(&body);
    mls_required_capabilities_put(&body, (struct mls_u16s){&unknown, 1}, (struct mls_u16s){0}, (struct mls_u16s){0});
    mls_extension_put(&list, MLS_EXT_REQUIRED_CAPABILITIES, buf_slice(&body));
    info->ctx.extensions = buf_slice(&list);
}
static void another_tree(struct forge_info *info, void *ctx)
{
    (void)ctx;
    info->keep_hash = true;
    assert_int_equal(mls_tree_set(&info->tree, 8, NULL), 0);
}

static void unmerged_falling(struct forge_info *info, void *ctx) { (void)ctx; set_unmerged(info, 3, "\0\0\0\3\0\0\0\2", 8); }
static void unmerged_twice(struct forge_info *info, void *ctx) { (void)ctx; set_unmerged(info, 3, "\0\0\0\3\0\0\0\3", 8); }
static void unmerged_elsewhere(struct forge_info *info, void *ctx) { (void)ctx; set_unmerged(info, 3, "\0\0\0\3\0\0\0\4", 8); }
static void unmerged_blank(struct forge_info *info, void *ctx) { (void)ctx; set_unmerged(info, 7, "\0\0\0\3\0\0\0\5", 8); }
static void unmerged_beyond(struct forge_info *info, void *ctx) { (void)ctx; set_unmerged(info, 7, "\0\0\0\3\0\0\1\0", 8); }
static void unmerged_not_between(struct forge_info *info, void *ctx) { (void)ctx; set_unmerged(info, 3, "", 0); }
static void unmerged_forgotten(struct forge_info *info, void *ctx) { (void)ctx; set_unmerged(info, 7, "", 0); }
static void parent_short(struct forge_info *info, void *ctx)
{
    (void)ctx;
    set_key(info, 3, slice_of(parent(info, 3)->encryption_key.data, 31));
}
static void parent_hash_short(struct forge_info *info, void *ctx)
{
    (void)ctx;
    set_node(info, 3, mls_node_make_parent(parent(info, 3)->encryption_key,
                                           slice_of(parent(info, 3)->parent_hash.data, 31), parent(info, 3)->unmerged));
}
static void another_parent_key(struct forge_info *info, void *ctx)
{
    struct kit_member *m = ctx;

    set_key(info, 1, slice_of(m[6].kp.init_public, MLS_KEY_LEN));
}

/* Leaf 3 is changed in what follows: no parent hash depends on a leaf that is unmerged everywhere. */
static void leaf_of_another(struct forge_info *info, void *ctx)
{
    struct kit_member *m = ctx;
    struct bytes raw = forge_leaf(&m[6], leaf_of(info, 3), info->ctx.group_id, 3); /* signed by the wrong one */

    set_node(info, 6, mls_node_from_leaf(bytes_slice(&raw)));
    bytes_free(&raw);
}
static void leaf_of_another_place(struct forge_info *info, void *ctx)
{
    struct kit_member *m = ctx;
    struct mls_leaf leaf = leaf_of(info, 3);
    struct bytes raw;

    leaf.source = MLS_LEAF_UPDATE; /* a key package's is good for any place */
    raw = forge_leaf(&m[3], leaf, info->ctx.group_id, 4);
    set_node(info, 6, mls_node_from_leaf(bytes_slice(&raw)));
    bytes_free(&raw);
}
static void leaf_key_short(struct forge_info *info, void *ctx)
{
    struct mls_leaf leaf = leaf_of(info, 3);

    leaf.encryption_key.len--;
    set_leaf(info, ctx, 3, leaf);
}
static void leaf_twice(struct forge_info *info, void *ctx)
{
    struct mls_leaf leaf = leaf_of(info, 3);

    leaf.extensions = slice_of("\x1a\x1a\x00\x1a\x1a\x00", 6);
    set_leaf(info, ctx, 3, leaf);
}
static void leaf_misplaced(struct forge_info *info, void *ctx)
{
    struct mls_leaf leaf = leaf_of(info, 3);

    leaf.extensions = slice_of("\x00\x0a\x00", 3);
    set_leaf(info, ctx, 3, leaf);
}
static void leaf_key_twice(struct forge_info *info, void *ctx)
{
    struct mls_leaf leaf = leaf_of(info, 3);

    leaf.encryption_key = mls_tree_leaf(&info->tree, 0)->encryption_key;
    set_leaf(info, ctx, 3, leaf);
}
static void signature_key_twice(struct forge_info *info, void *ctx)
{
    struct kit_member *m = ctx;
    struct mls_leaf leaf = leaf_of(info, 3);
    struct bytes raw;

    leaf.signature_key = slice_of(m[4].public_key, MLS_KEY_LEN);
    raw = forge_leaf(&m[4], leaf, info->ctx.group_id, 3);
    set_node(info, 6, mls_node_from_leaf(bytes_slice(&raw)));
    bytes_free(&raw);
}
static void key_of_a_parent(struct forge_info *info, void *ctx)
{
    struct mls_leaf leaf = leaf_of(info, 3);

    leaf.encryption_key = parent(info, 7)->encryption_key;
    set_leaf(info, ctx, 3, leaf);
}

static void groups_against_the_rules_are_not_entered(void **state)
{
    static const struct {
        void (*edit)(struct forge_info *info, void *ctx);
        int code;
        const char *why;
    } cases[] = {
        {nobody_signs, ERR_DENIED, "the signer of the group info is no member"},
        {beyond_signs, ERR_DENIED, "the signer of the group info is no member"},
        {another_signs, ERR_AUTH, "signature of the group info"},
        {suite_unknown, ERR_UNSUPPORTED, "a group of suite 0x0007"},
        {version_unknown, ERR_UNSUPPORTED, "a group of suite 0x0003"},
        {context_twice, ERR_MALFORMED, "extension 0x1a1a twice in one list"},
        {info_twice, ERR_MALFORMED, "extension 0x0004 twice in one list"},
        {no_external_key, ERR_NOTFOUND, "the group info has no external key"},
        {long_external_key, ERR_MALFORMED, "the external key does not parse"},
        {requires_more, ERR_DENIED, "leaf 0: a member lacks the required extension 0x3a3a"},
        {another_tree, ERR_AUTH, "the tree is not that of the group context"},
        {unmerged_falling, ERR_DENIED, "unmerged leaves of node 3 out of order"},
        {unmerged_twice, ERR_DENIED, "unmerged leaves of node 3 out of order"},
        {unmerged_elsewhere, ERR_DENIED, "unmerged leaf 4 of node 3"},
        {unmerged_blank, ERR_DENIED, "unmerged leaf 5 of node 7"},
        {unmerged_beyond, ERR_DENIED, "unmerged leaf 256 of node 7"},
        {unmerged_not_between, ERR_DENIED, "unmerged leaf 3 of node 7"},
        {unmerged_forgotten, ERR_AUTH, "parent hash of node 7 is not confirmed by one of its children"},
        {parent_short, ERR_MALFORMED, "node 3 has a key or hash of a wrong length"},
        {parent_hash_short, ERR_MALFORMED, "node 3 has a key or hash of a wrong length"},
        {another_parent_key, ERR_AUTH, "parent hash of node 1 is not confirmed by one of its children"},
        {leaf_of_another, ERR_AUTH, "signature of leaf 3"},
        {leaf_of_another_place, ERR_AUTH, "signature of leaf 3"},
        {leaf_key_short, ERR_MALFORMED, "leaf 3 has a key of a wrong length"},
        {leaf_twice, ERR_MALFORMED, "leaf 3: extension 0x1a1a twice in one list"},
        {leaf_misplaced, ERR_DENIED, "leaf 3: a leaf carries an extension that is not for leaves"},
        {leaf_key_twice, ERR_DENIED, "two members have the same key"},
        {signature_key_twice, ERR_DENIED, "two members have the same key"},
        {key_of_a_parent, ERR_DENIED, "two nodes of the tree have the same key"},
    };
    struct kit_member m[MEMBERS];
    struct err err = {0};
    char why[160];

    (void)state;
    begin(m);
    if (enter(m, NULL, &err) != 0)
        fail_msg("the group as it is: %s", err.text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int e = enter(m, cases[i].edit, &err);

        snprintf(why, sizeof why, "joining by external commit: %s", cases[i].why);
        if (e != cases[i].code || strcmp(err.text, why) != 0)
            fail_msg("%zu: %s: \"%s\" instead of %s: \"%s\"", i, err_name(e), err.text, err_name(cases[i].code), why);
    }
    end(m);
}

static void members_whose_time_is_over_keep_a_joiner_out_where_that_counts(void **state)
{
    static const struct {
        uint64_t now_s;
        bool in_time;
    } cases[] = {{1000, false}, {1001, true}, {1999, true}, {2000, false}};
    struct kit_member m[MEMBERS];
    struct err err = {0};

    (void)state;
    begin(m); /* leaf 3 is still that of its key package, which lasts from 1000 to 2000 */
    m[5].config.flags |= MLS_CHECK_LIFETIMES;
    for (size_t i = 0; i < 4; i++) {
        m[5].config.now_s = cases[i].now_s;
        assert_int_equal(enter(m, NULL, &err), cases[i].in_time ? 0 : ERR_DENIED);
        if (!cases[i].in_time)
            assert_string_equal(err.text, "joining by external commit: leaf 3 has expired");
    }
    end(m);
}

/* Parent hashes are over the subtree as it was before those leaves came that the parent has not merged: they,
 * and their entries in the lists between, do not count (section 7.9). */
static void an_unmerged_leaf_changes_no_parent_hash_above(void **state)
{
    struct kit_member m[MEMBERS];
    struct forge_info now = {0}, before = {0};
    uint8_t hash[2][MLS_HASH_LEN];

    (void)state;
    begin(m);
    assert_int_equal(mls_tree_fork(&m[0].g->tree, &now.tree), 0);
    assert_int_equal(mls_tree_fork(&m[0].g->tree, &before.tree), 0);
    assert_int_equal(parent(&before, 3)->unmerged.len, 4);
    assert_int_equal(parent(&before, 7)->unmerged.len, 4);
    assert_int_equal(mls_tree_set(&before.tree, 6, NULL), 0);
    set_unmerged(&before, 3, "", 0);
    set_unmerged(&before, 7, "", 0);
    for (int i = 0; i < 2; i++) { /* 7 towards 3 with its list, 3 towards the blank 5 */
        assert_int_equal(mls_parent_hash(&now.tree, i ? 3 : 7, i ? 5 : 3, hash[0]), 0);
        assert_int_equal(mls_parent_hash(&before.tree, i ? 3 : 7, i ? 5 : 3, hash[1]), 0);
        assert_memory_equal(hash[0], hash[1], MLS_HASH_LEN);
    }
    assert_memory_not_equal(mls_tree_hash(&now.tree, 3), mls_tree_hash(&before.tree, 3), MLS_HASH_LEN);
    /* A leaf that 3 alone has not merged counts in the hash of 7. */
    set_unmerged(&now, 7, "", 0);
    assert_int_equal(mls_parent_hash(&now.tree, 7, 3, hash[0]), 0);
    assert_int_equal(mls_parent_hash(&before.tree, 7, 3, hash[1]), 0);
    assert_memory_not_equal(hash[0], hash[1], MLS_HASH_LEN);
    mls_tree_free(&now.tree);
    mls_tree_free(&before.tree);
    end(m);
}

/* ---- The encoded tree ---- */

static int parse_tree(const struct buf *b, uint32_t max_leaves)
{
    struct mls_tree tree = {0};
    int e = mls_tree_parse(buf_slice(b), max_leaves, &tree, NULL);

    mls_tree_free(&tree);
    return e;
}

static void trees_that_are_none_do_not_parse(void **state)
{
    struct kit_member m[MEMBERS];
    struct buf b = BUF_INIT, parent = BUF_INIT;
    const struct mls_tree *tree;

    (void)state;
    begin(m);
    tree = &m[0].g->tree;
    mls_tree_put(&b, tree);
    assert_int_equal(parse_tree(&b, 8), 0);
    assert_int_equal(parse_tree(&b, 4), ERR_TOOBIG);
    buf_put_u8(&b, 0); /* a blank at the end */
    assert_int_equal(parse_tree(&b, 8), ERR_MALFORMED);
    buf_reset(&b);
    assert_int_equal(parse_tree(&b, 8), ERR_MALFORMED); /* nothing at all */
    buf_put_u8(&b, 2);
    assert_int_equal(parse_tree(&b, 8), ERR_MALFORMED);
    buf_reset(&b);

    buf_put_u8(&parent, 1);
    buf_put_u8(&parent, 2);
    buf_put_slice(&parent, mls_node_raw(mls_tree_node(tree, 1)));
    buf_put_slice(&b, buf_slice(&parent)); /* a parent where a leaf belongs */
    assert_int_equal(parse_tree(&b, 8), ERR_MALFORMED);
    buf_reset(&b);
    for (int i = 0; i < 2; i++) { /* a leaf where a parent belongs */
        buf_put_u8(&b, 1);
        buf_put_u8(&b, 1);
        buf_put_slice(&b, mls_node_raw(mls_tree_node(tree, 0)));
        assert_int_equal(parse_tree(&b, 8), i ? ERR_MALFORMED : 0);
    }
    buf_reset(&b);
    buf_put(&b, "\x00\x01\x02\x00\x00\x03\x00\x00\x00", 9); /* half an unmerged leaf */
    assert_int_equal(parse_tree(&b, 8), ERR_MALFORMED);
    buf_free(&b);
    buf_free(&parent);
    end(m);
}

/* ---- Welcomes ---- */

static struct slice chosen[4];

static void short_joiner(struct forge_welcome *w, void *ctx) { (void)ctx; w->secrets.joiner_secret.len--; }
static void short_path_secret(struct forge_welcome *w, void *ctx)
{
    (void)ctx;
    w->secrets.has_path_secret = true;
    w->secrets.path_secret = slice_of("short", 5);
}
static void wrong_path_secret(struct forge_welcome *w, void *ctx)
{
    (void)ctx;
    w->secrets.has_path_secret = true;
    w->secrets.path_secret = slice_of("01234567890123456789012345678901", 32);
}
static void wrong_tag(struct forge_welcome *w, void *ctx) { (void)ctx; w->info.confirmation_tag = chosen[0]; }
static void short_tag(struct forge_welcome *w, void *ctx) { (void)ctx; w->info.confirmation_tag.len--; }
static void info_suite(struct forge_welcome *w, void *ctx) { (void)ctx; w->info.context.suite = MLS_SUITE_AES128; }
static void outer_suite(struct forge_welcome *w, void *ctx) { (void)ctx; w->suite = MLS_SUITE_AES128; }
static void unknown_suite(struct forge_welcome *w, void *ctx) { (void)ctx; w->suite = 9; }
static void without_tree(struct forge_welcome *w, void *ctx) { (void)ctx; w->info.extensions.len = 0; }
static void empty_tree(struct forge_welcome *w, void *ctx)
{
    (void)ctx;
    w->info.extensions = slice_of("\x00\x02\x01\x01", 4); /* a vector longer than its extension */
}
static void longer_secrets(struct forge_welcome *w, void *ctx) { (void)ctx; w->longer_secrets = true; }
static void longer_info(struct forge_welcome *w, void *ctx) { (void)ctx; w->longer_info = true; }
static void no_info(struct forge_welcome *w, void *ctx) { (void)ctx; w->no_info = true; }
static void psks(struct forge_welcome *w, void *ctx) { (void)ctx; w->secrets.psks = chosen[1]; }

static void welcome_is_refused(struct kit_member *m, struct slice welcome, struct slice tree,
                               void (*edit)(struct forge_welcome *w, void *ctx), int code, const char *why)
{
    struct bytes forged = forge_welcome(&m[0], &m[5], welcome, edit, m, &rnd);
    struct mls_join_params params = {.welcome = bytes_slice(&forged),
                                     .key_package = bytes_slice(&m[5].kp.data),
                                     .init_private = m[5].kp.init_private,
                                     .leaf_private = m[5].kp.leaf_private,
                                     .ratchet_tree = tree};
    struct mls_group *g = NULL;
    struct err err = {0};
    int e = mls_group_join(&m[5].config, &params, &g, NULL, &err);

    mls_group_free(g);
    bytes_free(&forged);
    if (e != code || strcmp(err.text, why) != 0)
        fail_msg("%s: \"%s\" instead of %s: \"%s\"", err_name(e), err.text, err_name(code), why);
}

static int any_psk(void *ctx, struct slice psk_id, struct slice group_id, uint64_t epoch, struct bytes *out)
{
    (void)ctx;
    (void)psk_id;
    (void)group_id;
    (void)epoch;
    return bytes_dup(slice_str("a key"), out);
}

static void put_psk(struct buf *b, uint8_t usage, uint8_t first, size_t nonce_len)
{
    uint8_t nonce[MLS_HASH_LEN] = {first};
    struct mls_psk_id id = {.type = usage ? MLS_PSK_RESUMPTION : MLS_PSK_EXTERNAL,
                            .usage = usage,
                            .psk_id = slice_str("id"),
                            .group_id = slice_str("another"),
                            .nonce = slice_of(nonce, nonce_len)};

    mls_put_psk_id(b, &id);
}

static void welcome_keys_are_refused(struct kit_member *m, struct slice welcome)
{
    static const char alone[] = "joining: a welcome with a reinit or branch key among others";
    static const struct {
        uint8_t usage[2], nonce[2];
        size_t n, nonce_len;
        int code;
        const char *why;
    } cases[] = {
        /* Keys that may be there, but were not when the Welcome was sealed. */
        {{0, MLS_PSK_APPLICATION}, {1, 2}, 2, 32, ERR_AUTH, "joining: the group info does not open"},
        {{MLS_PSK_REINIT}, {1}, 1, 32, ERR_AUTH, "joining: the group info does not open"},
        {{MLS_PSK_REINIT, 0}, {1, 2}, 2, 32, ERR_DENIED, alone},
        {{MLS_PSK_APPLICATION, MLS_PSK_BRANCH}, {1, 2}, 2, 32, ERR_DENIED, alone},
        {{0, 0}, {1, 1}, 2, 32, ERR_DENIED, "joining: a pre-shared key is named twice"},
        {{0}, {1}, 1, 31, ERR_DENIED, "joining: nonce of a pre-shared key has 31 bytes"},
    };
    struct buf list = BUF_INIT;

    m[5].config.psk = any_psk;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_reset(&list);
        for (size_t k = 0; k < cases[i].n; k++)
            put_psk(&list, cases[i].usage[k], cases[i].nonce[k], cases[i].nonce_len);
        chosen[1] = buf_slice(&list);
        welcome_is_refused(m, welcome, (struct slice){0}, psks, cases[i].code, cases[i].why);
    }
    m[5].config.flags = 0;
    welcome_is_refused(m, welcome, (struct slice){0}, psks, ERR_UNSUPPORTED,
                       "joining: a welcome with pre-shared keys is not accepted here");
    buf_free(&list);
}

static void welcomes_against_the_rules_are_refused(void **state)
{
    struct mls_commit_params params = {.adds_n = 1, .force_path = true};
    struct kit_member m[MEMBERS];
    struct mls_commit_result result;
    struct slice add, welcome, none = {0};
    uint8_t tag[MLS_HASH_LEN] = {1};
    struct buf tree = BUF_INIT, out_of_band = BUF_INIT;

    (void)state;
    begin(m);
    chosen[0] = slice_of(tag, sizeof tag);
    add = bytes_slice(&m[5].kp.data);
    params.adds = &add;
    params.signer = kit_signer(&m[0]);
    assert_int_equal(mls_commit_create(m[0].g, &params, &rnd, &result, NULL), 0);
    welcome = bytes_slice(&result.welcome);
    welcome_is_refused(m, welcome, none, NULL, 0, ""); /* nothing is wrong with it as it is */
    welcome_is_refused(m, welcome, none, short_joiner, ERR_MALFORMED, "joining: the group secrets do not parse");
    welcome_is_refused(m, welcome, none, short_path_secret, ERR_MALFORMED, "joining: the group secrets do not parse");
    welcome_is_refused(m, welcome, none, longer_secrets, ERR_MALFORMED, "joining: the group secrets do not parse");
    welcome_is_refused(m, welcome, none, longer_info, ERR_MALFORMED, "joining: the group info does not parse");
    welcome_is_refused(m, welcome, none, no_info, ERR_AUTH, "joining: the group info does not open");
    welcome_is_refused(m, welcome, none, wrong_path_secret, ERR_AUTH, "joining: the path secret does not fit the tree");
    welcome_is_refused(m, welcome, none, wrong_tag, ERR_AUTH, "joining: confirmation tag");
    welcome_is_refused(m, welcome, none, short_tag, ERR_AUTH, "joining: confirmation tag");
    welcome_is_refused(m, welcome, none, info_suite, ERR_DENIED,
                       "joining: the group info is of another suite than the welcome");
    welcome_is_refused(m, welcome, none, outer_suite, ERR_UNSUPPORTED, "joining: a welcome of suite 0x0001");
    welcome_is_refused(m, welcome, none, unknown_suite, ERR_UNSUPPORTED, "joining: a welcome of suite 0x0009");
    welcome_is_refused(m, welcome, none, without_tree, ERR_NOTFOUND, "joining: no ratchet tree");
    welcome_is_refused(m, welcome, none, empty_tree, ERR_MALFORMED, "joining: ratchet tree does not parse");
    /* Out of band it is another way, not another tree: this one is from before. */
    mls_tree_put(&tree, &m[0].g->tree);
    buf_put_vec(&out_of_band, buf_slice(&tree));
    welcome_is_refused(m, welcome, buf_slice(&out_of_band), without_tree, ERR_AUTH,
                       "joining: the tree is not that of the group context");
    buf_reset(&tree);
    buf_reset(&out_of_band);
    mls_tree_put(&tree, &result.staged->tree);
    buf_put_vec(&out_of_band, buf_slice(&tree));
    welcome_is_refused(m, welcome, buf_slice(&out_of_band), without_tree, 0, "");
    welcome_keys_are_refused(m, welcome);
    mls_commit_result_free(&result);
    buf_free(&tree);
    buf_free(&out_of_band);
    end(m);
}

static void only_a_welcome_is_a_welcome(void **state)
{
    struct kit_member m[MEMBERS];
    struct bytes info, text;
    struct mls_join_params params;
    struct mls_group *g = NULL;
    struct err err = {0};

    (void)state;
    begin(m);
    info = forge_group_info(&m[1], NULL, m);
    text = kit_say(&m[1], "a text", &rnd);
    params = (struct mls_join_params){bytes_slice(&info), bytes_slice(&m[5].kp.data), m[5].kp.init_private,
                                      m[5].kp.leaf_private, {0}};
    assert_int_equal(mls_group_join(&m[5].config, &params, &g, NULL, &err), ERR_MALFORMED);
    assert_string_equal(err.text, "joining: wire format 4 is no welcome");
    params.welcome = bytes_slice(&text);
    assert_int_equal(mls_group_join(&m[5].config, &params, &g, NULL, &err), ERR_MALFORMED);
    assert_string_equal(err.text, "joining: wire format 2 is no welcome");
    bytes_free(&info);
    bytes_free(&text);
    end(m);
}

/* A Welcome to a group that reinit or branch makes: its epoch is the first. */
static void branch(struct forge_welcome *w, void *ctx)
{
    (void)ctx;
    w->secrets.psks = chosen[1];
    w->psk = slice_str("a key");
    w->info.context.epoch = chosen[2].len;
}

static void a_branch_begins_in_epoch_1(void **state)
{
    struct mls_commit_params params = {.adds_n = 1};
    struct kit_member m[MEMBERS];
    struct mls_commit_result result;
    struct buf list = BUF_INIT;
    struct slice add;

    (void)state;
    begin(m);
    m[5].config.psk = any_psk;
    add = bytes_slice(&m[5].kp.data);
    params.adds = &add;
    params.signer = kit_signer(&m[0]);
    assert_int_equal(mls_commit_create(m[0].g, &params, &rnd, &result, NULL), 0);
    put_psk(&list, MLS_PSK_BRANCH, 1, 32);
    chosen[1] = buf_slice(&list);
    chosen[2].len = 2;
    welcome_is_refused(m, bytes_slice(&result.welcome), (struct slice){0}, branch, ERR_DENIED,
                       "joining: a welcome with a reinit or branch key to a group that is past its beginning");
    chosen[2].len = 1; /* as far as its tag, which was made for another epoch */
    welcome_is_refused(m, bytes_slice(&result.welcome), (struct slice){0}, branch, ERR_AUTH,
                       "joining: confirmation tag");
    mls_commit_result_free(&result);
    buf_free(&list);
    end(m);
}

/* The tree from before the joiner came, in a context that says so. */
static void tree_before(struct forge_welcome *w, void *ctx)
{
    static struct buf list, vec;
    struct kit_member *m = ctx;
    struct buf nodes = BUF_INIT;

    buf_free(&list);
    buf_free(&vec);
    mls_tree_put(&nodes, &m[0].g->tree);
    buf_put_vec(&vec, buf_slice(&nodes));
    mls_extension_put(&list, MLS_EXT_RATCHET_TREE, buf_slice(&vec));
    w->info.extensions = buf_slice(&list);
    w->info.context.tree_hash = mls_group_tree_hash(m[0].g);
    buf_free(&nodes);
}

static void who_has_no_leaf_in_the_tree_does_not_join(void **state)
{
    struct mls_commit_params params = {.adds_n = 1};
    struct kit_member m[MEMBERS];
    struct mls_commit_result result;
    struct slice add;

    (void)state;
    begin(m);
    add = bytes_slice(&m[5].kp.data);
    params.adds = &add;
    params.signer = kit_signer(&m[0]);
    assert_int_equal(mls_commit_create(m[0].g, &params, &rnd, &result, NULL), 0);
    welcome_is_refused(m, bytes_slice(&result.welcome), (struct slice){0}, tree_before, ERR_DENIED,
                       "joining: our key package's leaf is not in the tree");
    mls_commit_result_free(&result);
    end(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_against_the_rules_are_not_entered),
        cmocka_unit_test(members_whose_time_is_over_keep_a_joiner_out_where_that_counts),
        cmocka_unit_test(an_unmerged_leaf_changes_no_parent_hash_above),
        cmocka_unit_test(trees_that_are_none_do_not_parse),
        cmocka_unit_test(welcomes_against_the_rules_are_refused),
        cmocka_unit_test(only_a_welcome_is_a_welcome),
        cmocka_unit_test(a_branch_begins_in_epoch_1),
        cmocka_unit_test(who_has_no_leaf_in_the_tree_does_not_join),
    };

    return crypto_init(NULL) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
