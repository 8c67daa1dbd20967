/* Joining by external commit (RFC 9420 section 12.4.3.2): a stranger commits itself into the group
 * with nothing but a GroupInfo. */
#include "base/err.h"
#include "mls/external.h"
#include "mls/group.h"
#include "mls/protect.h"
#include "mls/rules.h"
#include "mls/send.h"
#include "mls/suite.h"
#include "mls/welcome.h"

#include <sodium.h>

/* A GroupInfo on its way to a group.  `g` is the group as a stranger sees it: no secrets. */
struct entering {
    struct mls_group *g;
    struct mls_group_info info;
    const struct mls_leaf_params *leaf;
    const struct rand *rand;
    struct mls_staged_commit *s;
    struct mls_path_keys keys;
};

static int look_at_group(struct entering *x, struct slice message, struct err *err)
{
    struct mls_message_view view;
    struct reader r;
    int e = mls_message_peek(message, &view, err);

    if (e)
        return e;
    if (view.wire_format != MLS_WIRE_GROUP_INFO)
        return err_set(err, ERR_MALFORMED, "wire format %u is no group info", view.wire_format);
    r = reader_of(view.body);
    mls_parse_group_info(&r, &x->info);
    if ((e = mls_group_from_info(x->g, &x->info, (struct slice){0}, err)) != 0)
        return e;
    mls_interim_transcript_hash(x->g->ctx.confirmed_transcript_hash, x->info.confirmation_tag, x->g->interim);
    return 0;
}

/* The only proposal: external_init, under the group's external key. */
static int put_proposal(struct entering *x, struct buf *list, struct err *err)
{
    struct mls_sender us = {MLS_SENDER_NEW_MEMBER_COMMIT, 0};
    uint8_t kem_output[MLS_KEY_LEN];
    struct slice body, key;
    struct buf proposal = BUF_INIT;
    struct reader r;
    int e;

    if (!mls_extension_find(x->info.extensions, MLS_EXT_EXTERNAL_PUB, &body))
        return err_set(err, ERR_NOTFOUND, "the group info has no external key");
    r = reader_of(body);
    key = read_vec(&r, MLS_VEC_MAX);
    if (!reader_done(&r))
        return err_set(err, ERR_MALFORMED, "the external key does not parse");
    if ((e = mls_external_init_make(x->g->ctx.suite, key, x->rand, kem_output, x->s->external_init)) != 0)
        return err_set(err, e, "external_init");
    x->s->has_external_init = true;
    buf_put_u16(&proposal, MLS_PROPOSAL_EXTERNAL_INIT);
    buf_put_vec(&proposal, slice_of(kem_output, sizeof kem_output));
    buf_put_u8(list, 1); /* inline */
    buf_put_slice(list, buf_slice(&proposal));
    e = buf_ok(&proposal) && buf_ok(list) ? mls_staged_add_item(x->s, buf_slice(&proposal), us, false) : ERR_NOMEM;
    buf_free(&proposal);
    return e ? err_set(err, e, "external_init") : 0;
}

static int make_path(struct entering *x, struct buf *path, struct err *err)
{
    struct mls_staged_commit *s = x->s;
    uint8_t no_key[MLS_KEY_LEN] = {0}; /* the path puts its own */
    struct bytes context = {0};
    struct buf raw = BUF_INIT;
    struct mls_leaf leaf;
    struct reader r;
    int e = mls_leaf_make(x->leaf, no_key, &raw);

    if (e)
        goto done;
    r = reader_of(buf_slice(&raw));
    mls_parse_leaf(&r, &leaf);
    if ((e = mls_tree_free_leaf(&s->tree, x->g->config.max_leaves, &s->info.committer_leaf)) != 0 ||
        (e = mls_path_generate(&s->tree, s->info.committer_leaf, &leaf, x->g->ctx.group_id, &x->leaf->signer, x->rand,
                               &x->keys, err)) != 0)
        goto done;
    s->info.path_leaf = mls_tree_leaf(&s->tree, s->info.committer_leaf);
    s->priv = x->keys.priv;
    if ((e = mls_staged_check_leaves(x->g, s, s->info.path_leaf, err)) != 0 ||
        (e = mls_staged_provisional(x->g, s, &context)) != 0)
        goto done;
    e = mls_path_encrypt(&s->tree, s->info.committer_leaf, &x->keys, x->g->ctx.suite, bytes_slice(&context), &s->added,
                         x->rand, path, err);
done:
    bytes_free(&context);
    buf_free(&raw);
    return e == ERR_NOMEM ? err_set(err, e, "external commit") : e;
}

static int put_commit(struct entering *x, struct buf *body, struct err *err)
{
    struct mls_sender us = {MLS_SENDER_NEW_MEMBER_COMMIT, 0};
    struct buf list = BUF_INIT, path = BUF_INIT;
    int e;

    if ((e = put_proposal(x, &list, err)) != 0 || (e = mls_staged_apply(x->g, x->s, us, true, err)) != 0 ||
        (e = make_path(x, &path, err)) != 0)
        goto done;
    buf_put_vec(body, buf_slice(&list));
    buf_put_u8(body, 1);
    buf_put_slice(body, buf_slice(&path));
    e = buf_ok(body) ? 0 : err_set(err, ERR_NOMEM, "external commit");
done:
    buf_free(&list);
    buf_free(&path);
    return e;
}

static int seal(struct entering *x, struct slice body, struct bytes *out, struct err *err)
{
    uint8_t signature[MLS_SIGNATURE_LEN], joiner[MLS_HASH_LEN];
    struct mls_content_auth auth = {.signature = slice_of(signature, sizeof signature)};
    struct mls_framed_content content;
    struct buf b = BUF_INIT;
    int e;

    mls_send_content(x->g, MLS_CONTENT_COMMIT, (struct slice){0}, body, &content);
    content.sender = (struct mls_sender){MLS_SENDER_NEW_MEMBER_COMMIT, 0};
    e = mls_content_sign(MLS_WIRE_PUBLIC_MESSAGE, &content, bytes_slice(&x->g->context), &x->leaf->signer, signature);
    if (e)
        return err_set(err, e, "signing an external commit");
    e = mls_staged_finish(x->g, x->s, MLS_WIRE_PUBLIC_MESSAGE, &content, auth.signature, x->keys.commit_secret, joiner,
                          err);
    sodium_memzero(joiner, sizeof joiner);
    if (e)
        return e;
    auth.confirmation_tag = slice_of(x->s->confirmation_tag, MLS_HASH_LEN);
    e = mls_public_seal(&content, &auth, NULL, (struct slice){0}, &b);
    if (e == 0)
        e = buf_take(&b, out);
    buf_free(&b);
    return e ? err_set(err, e, "external commit") : 0;
}

/* The stranger's view of the group becomes a member's: merging makes a past epoch of what it never
 * could read, which is dropped at once. */
static int enter(struct entering *x, struct err *err)
{
    struct mls_staged_commit *s = x->s;
    uint32_t keep = x->g->config.past_epochs, resumption = x->g->config.resumption_psks;
    int e;

    x->g->own_leaf = s->info.committer_leaf;
    x->g->config.past_epochs = x->g->config.resumption_psks = 0;
    x->s = NULL;
    e = mls_group_merge(x->g, s, err);
    x->g->config.past_epochs = keep;
    x->g->config.resumption_psks = resumption;
    return e;
}

static int join(struct entering *x, struct slice group_info, struct bytes *message, struct err *err)
{
    struct buf body = BUF_INIT;
    struct bytes made = {0};
    int e = look_at_group(x, group_info, err);

    if (e)
        return e;
    x->g->active = false; /* no member yet: no leaf is ours */
    if ((e = mls_staged_new(x->g, &x->s)) != 0)
        return err_set(err, e, "external commit");
    x->s->info.is_external = true;
    if ((e = put_commit(x, &body, err)) != 0 || (e = seal(x, buf_slice(&body), &made, err)) != 0)
        goto done;
    mls_staged_describe(x->s);
    x->g->active = true;
    if ((e = enter(x, err)) != 0)
        goto done;
    *message = made;
    made = (struct bytes){0};
done:
    bytes_free(&made);
    buf_free(&body);
    return e;
}

int mls_group_join_external(const struct mls_config *config, struct slice group_info,
                            const struct mls_leaf_params *leaf, const struct rand *rand, struct bytes *message,
                            struct mls_group **out, struct err *err)
{
    struct entering x = {.g = mls_group_alloc(config), .leaf = leaf, .rand = rand};
    int e = x.g ? join(&x, group_info, message, err) : err_set(err, ERR_NOMEM, "group");

    mls_staged_commit_free(x.s);
    mls_path_keys_wipe(&x.keys);
    if (e) {
        mls_group_free(x.g);
        return err_wrap(err, e, "joining by external commit");
    }
    *out = x.g;
    return 0;
}
