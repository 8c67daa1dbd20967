#include "tests/mls/kit.h"

#include "base/alloc.h"
#include "crypto/ed25519.h"
#include "mls/group.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- Pieces: plain malloc, so that a failing allocation is always the library's ---- */

static bool matches(const struct mls_piece_key *have, const struct mls_piece_key *want)
{
    return have->kind == want->kind && have->epoch == want->epoch &&
           (want->index == MLS_PIECE_ALL || have->index == want->index);
}

static void drop(struct kit_store *s, const struct mls_piece_key *key)
{
    for (size_t i = 0; i < s->n;) {
        if (!matches(&s->pieces[i].key, key)) {
            i++;
            continue;
        }
        free(s->pieces[i].data.data);
        s->pieces[i] = s->pieces[--s->n];
    }
}

static int put(void *ctx, const struct mls_piece_key *key, struct slice data, struct err *err)
{
    struct kit_store *s = ctx;

    (void)err;
    drop(s, key);
    if (!data.data) {
        s->deletes++;
        return 0;
    }
    s->pieces = realloc(s->pieces, (s->n + 1) * sizeof *s->pieces);
    s->pieces[s->n].key = *key;
    s->pieces[s->n].data = (struct bytes){malloc(data.len ? data.len : 1), data.len};
    memcpy(s->pieces[s->n++].data.data, data.data, data.len);
    s->puts++;
    s->put_bytes += data.len;
    return 0;
}

static int get(void *ctx, const struct mls_piece_key *key, struct bytes *out, struct err *err)
{
    struct kit_store *s = ctx;

    (void)err;
    s->gets++;
    for (size_t i = 0; i < s->n; i++)
        if (matches(&s->pieces[i].key, key))
            return bytes_dup(bytes_slice(&s->pieces[i].data), out);
    return ERR_NOTFOUND;
}

struct mls_piece_sink kit_sink(struct kit_store *store)
{
    return (struct mls_piece_sink){put, store};
}

struct mls_piece_source kit_source(struct kit_store *store)
{
    return (struct mls_piece_source){get, store};
}

void kit_store_count(struct kit_store *store)
{
    store->puts = store->put_bytes = store->deletes = store->gets = 0;
}

size_t kit_store_has(const struct kit_store *store, uint16_t kind, uint64_t epoch, uint32_t index)
{
    const struct mls_piece_key key = {kind, epoch, index};
    size_t n = 0;

    for (size_t i = 0; i < store->n; i++)
        n += matches(&store->pieces[i].key, &key);
    return n;
}

void kit_store_free(struct kit_store *store)
{
    for (size_t i = 0; i < store->n; i++)
        free(store->pieces[i].data.data);
    free(store->pieces);
    *store = (struct kit_store){0};
}

/* ---- Members ---- */

struct mls_signer kit_signer(const struct kit_member *m)
{
    return (struct mls_signer){m->seed, m->public_key};
}

struct mls_leaf_params kit_leaf(const struct kit_member *m)
{
    static const uint16_t versions[] = {1}, suites[] = {1, 3, 0x0a0a}, extensions[] = {0x000a, 0xff01, 0xff02, 0x1a1a},
                          proposals[] = {7, 0x2a2a}, credentials[] = {1};

    return (struct mls_leaf_params){
        .signer = kit_signer(m),
        .credential = slice_str(m->name),
        .versions = {versions, 1},
        .suites = {suites, 3},
        .extension_types = {extensions, 4},
        .proposal_types = {proposals, 2},
        .credential_types = {credentials, 1},
        .not_before = 1000,
        .not_after = 2000,
    };
}

void kit_member_init(struct kit_member *m, unsigned number, uint16_t suite, const struct rand *rand)
{
    struct buf extensions = BUF_INIT;
    struct ed25519_key key;
    struct mls_leaf_params leaf;
    struct err err = {0};

    memset(m, 0, sizeof *m);
    ed25519_generate(rand, &key);
    memcpy(m->seed, key.seed, 32);
    memcpy(m->public_key, key.public_key, 32);
    snprintf(m->name, sizeof m->name, "member-%u", number);
    m->config = mls_config_default();
    m->suite = suite;
    leaf = kit_leaf(m);
    mls_extension_put(&extensions, 0x000a, (struct slice){0});
    if (mls_key_package_create(suite, &leaf, buf_slice(&extensions), rand, &m->kp, &err) != 0)
        fail_msg("key package: %s", err.text);
    buf_free(&extensions);
}

void kit_member_free(struct kit_member *m)
{
    mls_group_free(m->g);
    mls_key_package_bundle_wipe(&m->kp);
    kit_store_free(&m->store);
    memset(m, 0, sizeof *m);
}

/* required_capabilities with the types that kit_leaf() lists, then two extensions. */
static void put_context_extensions(struct buf *out)
{
    static const uint16_t extensions[] = {0xff01, 0xff02}, proposals[] = {7}, credentials[] = {1};
    struct buf body = BUF_INIT;

    mls_extension_put(out, 0xff01, slice_str("first"));
    mls_extension_put(out, 0xff02, slice_str("second"));
    mls_required_capabilities_put(&body, (struct mls_u16s){extensions, 2}, (struct mls_u16s){proposals, 1},
                                  (struct mls_u16s){credentials, 1});
    mls_extension_put(out, MLS_EXT_REQUIRED_CAPABILITIES, buf_slice(&body));
    buf_free(&body);
}

void kit_create(struct kit_member *m, const struct rand *rand)
{
    struct mls_leaf_params leaf = kit_leaf(m);
    struct buf extensions = BUF_INIT;
    struct err err = {0};

    put_context_extensions(&extensions);
    if (mls_group_create(&m->config, m->suite, slice_str("a group id"), &leaf, buf_slice(&extensions), rand, &m->g,
                         &err) != 0)
        fail_msg("create: %s", err.text);
    buf_free(&extensions);
}

void kit_join(struct kit_member *m, struct slice welcome)
{
    struct mls_join_params params = {
        .welcome = welcome,
        .key_package = bytes_slice(&m->kp.data),
        .init_private = m->kp.init_private,
        .leaf_private = m->kp.leaf_private,
    };
    struct err err = {0};

    mls_group_free(m->g);
    m->g = NULL;
    kit_store_free(&m->store);
    if (mls_group_join(&m->config, &params, &m->g, NULL, &err) != 0)
        fail_msg("%s: %s", m->name, err.text);
}

/* All that the pieces say of the current epoch.  What is in the secret tree shows when a text is read. */
static void assert_same_state(const struct mls_group *a, const struct mls_group *b)
{
    struct mls_secrets secrets = a->secrets;

    memcpy(secrets.encryption, b->secrets.encryption, sizeof secrets.encryption); /* not stored */
    assert_memory_equal(&secrets, &b->secrets, sizeof secrets);
    assert_memory_equal(&a->priv, &b->priv, sizeof a->priv);
    assert_int_equal(a->active, b->active);
    assert_int_equal(a->reinitialized, b->reinitialized);
    assert_int_equal(a->own_leaf, b->own_leaf);
    assert_memory_equal(a->interim, b->interim, sizeof a->interim);
    assert_memory_equal(a->confirmation_tag, b->confirmation_tag, sizeof a->confirmation_tag);
    assert_true(slice_eq(bytes_slice(&a->context), bytes_slice(&b->context)));
    assert_int_equal(a->past_n, b->past_n);
    for (uint32_t i = 0; i < a->past_n; i++)
        assert_int_equal(a->past[i]->epoch, b->past[i]->epoch);
    assert_int_equal(a->resumption_n, b->resumption_n);
    for (uint32_t i = 0; i < a->resumption_n; i++) {
        assert_int_equal(a->resumption[i].epoch, b->resumption[i].epoch);
        assert_memory_equal(a->resumption[i].secret, b->resumption[i].secret, MLS_HASH_LEN);
    }
    assert_int_equal(a->pending_n, b->pending_n);
    for (uint32_t i = 0; i < a->pending_n; i++) {
        assert_memory_equal(a->pending[i].ref, b->pending[i].ref, MLS_HASH_LEN);
        assert_int_equal(a->pending[i].sender.type, b->pending[i].sender.type);
        assert_int_equal(a->pending[i].sender.leaf, b->pending[i].sender.leaf);
        assert_true(slice_eq(bytes_slice(&a->pending[i].raw), bytes_slice(&b->pending[i].raw)));
    }
}

void kit_reload(struct kit_member *m)
{
    struct mls_piece_sink sink = kit_sink(&m->store);
    struct mls_piece_source source = kit_source(&m->store);
    struct err err = {0};
    struct mls_group *g = NULL;

    if (mls_group_write(m->g, &sink, &err) != 0 || mls_group_is_dirty(m->g) ||
        mls_group_load(&m->config, &source, &g, &err) != 0)
        fail_msg("%s reloads: %s", m->name, err.text);
    assert_int_equal(mls_group_epoch(g), mls_group_epoch(m->g));
    assert_true(slice_eq(mls_group_epoch_authenticator(g), mls_group_epoch_authenticator(m->g)));
    assert_true(slice_eq(mls_group_tree_hash(g), mls_group_tree_hash(m->g)));
    assert_false(mls_group_is_dirty(g));
    assert_same_state(m->g, g);
    mls_group_free(m->g);
    m->g = g;
}

void kit_receive(struct kit_member *m, struct slice message)
{
    struct mls_processed *p;
    struct err err = {0};

    if (mls_group_process(m->g, message, &p, &err) != 0)
        fail_msg("%s processes: %s", m->name, err.text);
    if (mls_group_accept(m->g, p, &err) != 0)
        fail_msg("%s accepts: %s", m->name, err.text);
}

void kit_refuse(struct kit_member *m, struct slice message, int code, const char *why)
{
    struct mls_processed *p = NULL;
    struct err err = {0};
    int e = mls_group_process(m->g, message, &p, &err);

    mls_processed_free(p);
    if (e != code || ((code || why) && strcmp(err.text, why) != 0))
        fail_msg("%s: \"%s\" instead of %s: \"%s\"", err_name(e), err.text, err_name(code), why);
}

void kit_read(struct kit_member *m, struct slice message, const char *text)
{
    struct mls_processed *p;
    struct err err = {0};

    if (mls_group_process(m->g, message, &p, &err) != 0)
        fail_msg("%s reads: %s", m->name, err.text);
    assert_int_equal(mls_processed_info(p)->content_type, MLS_CONTENT_APPLICATION);
    assert_true(slice_eq(mls_processed_info(p)->plaintext, slice_str(text)));
    if (mls_group_accept(m->g, p, &err) != 0)
        fail_msg("%s accepts: %s", m->name, err.text);
}

struct bytes kit_say(struct kit_member *m, const char *text, const struct rand *rand)
{
    struct mls_signer signer = kit_signer(m);
    struct bytes out = {0};
    struct err err = {0};

    if (mls_group_encrypt(m->g, &signer, (struct slice){0}, slice_str(text), rand, &out, &err) != 0)
        fail_msg("%s says: %s", m->name, err.text);
    return out;
}

void kit_commit(struct kit_member *by, const struct mls_commit_params *params, struct kit_member *members, size_t n,
                struct kit_member *joiners, size_t joiners_n, const struct rand *rand)
{
    struct mls_commit_params mine = *params;
    struct mls_commit_result result;
    struct err err = {0};

    mine.signer = kit_signer(by);
    if (mls_commit_create(by->g, &mine, rand, &result, &err) != 0)
        fail_msg("%s commits: %s", by->name, err.text);
    for (size_t i = 0; i < n; i++)
        if (&members[i] != by && members[i].g && mls_group_is_active(members[i].g))
            kit_receive(&members[i], bytes_slice(&result.message));
    if (mls_group_merge(by->g, result.staged, &err) != 0)
        fail_msg("%s merges: %s", by->name, err.text);
    result.staged = NULL;
    for (size_t i = 0; i < joiners_n; i++)
        kit_join(&joiners[i], bytes_slice(&result.welcome));
    mls_commit_result_free(&result);
}

void kit_add(struct kit_member *by, struct kit_member *members, size_t n, struct kit_member *joiners,
             size_t joiners_n, const struct rand *rand)
{
    struct slice *adds = calloc(joiners_n, sizeof *adds);
    struct mls_commit_params params = {.adds = adds, .adds_n = joiners_n};

    for (size_t i = 0; i < joiners_n; i++)
        adds[i] = bytes_slice(&joiners[i].kp.data);
    kit_commit(by, &params, members, n, joiners, joiners_n, rand);
    free(adds);
}

void kit_agree(const struct kit_member *members, size_t n)
{
    const struct kit_member *first = NULL;

    for (size_t i = 0; i < n; i++) {
        const struct kit_member *m = &members[i];

        if (!m->g || !mls_group_is_active(m->g))
            continue;
        if (!first)
            first = m;
        assert_int_equal(mls_group_epoch(first->g), mls_group_epoch(m->g));
        assert_true(slice_eq(mls_group_epoch_authenticator(first->g), mls_group_epoch_authenticator(m->g)));
        assert_true(slice_eq(mls_group_tree_hash(first->g), mls_group_tree_hash(m->g)));
        assert_true(slice_eq(mls_group_extensions(first->g), mls_group_extensions(m->g)));
    }
}
