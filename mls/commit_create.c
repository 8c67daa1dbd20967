/* Own commits (RFC 9420 section 12.4.1).
 *
 * Everything happens on a fork; the handshake key is looked up and the change dropped, so that any
 * number of commits can be made in one epoch (as libxmtp does: the reuse guard tells them apart). */
#include "base/alloc.h"
#include "base/err.h"
#include "mls/external.h"
#include "mls/group.h"
#include "mls/protect.h"
#include "mls/send.h"

#include <sodium.h>
#include <string.h>

enum { INLINE_PROPOSAL = 1, PROPOSAL_REFERENCE = 2 };

/* A commit in the making. */
struct making {
    struct mls_group *g;
    const struct mls_commit_params *params;
    const struct rand *rand;
    struct mls_staged_commit *s;
    struct buf proposals; /* ProposalOrRef list */
    struct buf path;      /* UpdatePath */
    bool has_path;
    struct mls_path_keys keys;
    uint8_t joiner[MLS_HASH_LEN];
};

void mls_commit_result_free(struct mls_commit_result *result)
{
    bytes_free(&result->message);
    bytes_free(&result->welcome);
    mls_staged_commit_free(result->staged);
    result->staged = NULL;
}

static int put_inline(struct making *m, struct slice proposal)
{
    struct mls_sender us = {MLS_SENDER_MEMBER, m->g->own_leaf};

    buf_put_u8(&m->proposals, INLINE_PROPOSAL);
    buf_put_slice(&m->proposals, proposal);
    return mls_staged_add_item(m->s, proposal, us, false);
}

/* Puts what `b` holds and empties it. */
static int put_built(struct making *m, struct buf *b)
{
    int e = buf_ok(b) ? put_inline(m, buf_slice(b)) : ERR_NOMEM;

    buf_reset(b);
    return e;
}

static int put_pending(struct making *m)
{
    int e = 0;

    for (uint32_t i = 0; i < m->g->pending_n && e == 0; i++) {
        const struct mls_pending *p = &m->g->pending[i];

        buf_put_u8(&m->proposals, PROPOSAL_REFERENCE);
        buf_put_vec(&m->proposals, slice_of(p->ref, sizeof p->ref));
        e = mls_staged_add_item(m->s, bytes_slice(&p->raw), p->sender, true);
    }
    return e;
}

static int put_proposals(struct making *m, struct err *err)
{
    const struct mls_commit_params *p = m->params;
    struct buf b = BUF_INIT;
    int e = 0;

    for (size_t i = 0; i < p->adds_n && e == 0; i++) {
        buf_put_u16(&b, MLS_PROPOSAL_ADD);
        buf_put_slice(&b, p->adds[i]);
        e = put_built(m, &b);
    }
    if (p->extensions && e == 0) {
        buf_put_u16(&b, MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS);
        buf_put_vec(&b, *p->extensions);
        e = put_built(m, &b);
    }
    for (size_t i = 0; i < p->removes_n && e == 0; i++) {
        buf_put_u16(&b, MLS_PROPOSAL_REMOVE);
        buf_put_u32(&b, p->removes[i]);
        e = put_built(m, &b);
    }
    for (size_t i = 0; i < p->more_n && e == 0; i++)
        e = put_inline(m, p->more[i]);
    if (p->with_pending && e == 0)
        e = put_pending(m);
    buf_free(&b);
    if (e == 0 && !buf_ok(&m->proposals))
        e = ERR_NOMEM;
    return e ? err_set(err, e, "proposals of a commit") : 0;
}

static bool needs_path(const struct making *m)
{
    if (m->params->force_path || m->s->items_n == 0)
        return true;
    for (size_t i = 0; i < m->s->items_n; i++) {
        uint16_t type = m->s->items[i].p.type;

        if (type == MLS_PROPOSAL_UPDATE || type == MLS_PROPOSAL_REMOVE ||
            type == MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS)
            return true;
    }
    return false;
}

static int make_path(struct making *m, struct err *err)
{
    struct mls_group *g = m->g;
    struct bytes context = {0};
    int e = mls_path_generate(&m->s->tree, g->own_leaf, mls_tree_leaf(&g->tree, g->own_leaf), g->ctx.group_id,
                              &m->params->signer, m->rand, &m->keys, err);

    if (e)
        return e;
    m->s->info.path_leaf = mls_tree_leaf(&m->s->tree, g->own_leaf);
    m->s->priv = m->keys.priv;
    if ((e = mls_staged_check_leaves(g, m->s, m->s->info.path_leaf, err)) != 0)
        return e;
    if ((e = mls_staged_provisional(g, m->s, &context)) != 0)
        return err_set(err, e, "commit");
    e = mls_path_encrypt(&m->s->tree, g->own_leaf, &m->keys, g->ctx.suite, bytes_slice(&context), &m->s->added,
                         m->rand, &m->path, err);
    bytes_free(&context);
    return e;
}

static int put_commit(struct making *m, struct buf *body, struct err *err)
{
    int e;

    if ((e = put_proposals(m, err)) != 0)
        return e;
    m->has_path = needs_path(m);
    m->s->info.committer_leaf = m->g->own_leaf;
    e = mls_staged_apply(m->g, m->s, (struct mls_sender){MLS_SENDER_MEMBER, m->g->own_leaf}, m->has_path, err);
    if (e)
        return e;
    e = m->has_path ? make_path(m, err) : mls_staged_check_leaves(m->g, m->s, NULL, err);
    if (e)
        return e;
    buf_put_vec(body, buf_slice(&m->proposals));
    buf_put_u8(body, m->has_path);
    if (m->has_path)
        buf_put_slice(body, buf_slice(&m->path));
    return buf_ok(body) ? 0 : err_set(err, ERR_NOMEM, "commit");
}

static int seal(struct making *m, struct slice body, struct bytes *out, struct err *err)
{
    uint16_t wire_format = m->params->public_message ? MLS_WIRE_PUBLIC_MESSAGE : MLS_WIRE_PRIVATE_MESSAGE;
    uint8_t signature[MLS_SIGNATURE_LEN];
    struct mls_content_auth auth = {.signature = slice_of(signature, sizeof signature)};
    struct mls_secret_change change = {0};
    struct mls_framed_content content;
    int e;

    mls_send_content(m->g, MLS_CONTENT_COMMIT, m->params->authenticated_data, body, &content);
    e = mls_content_sign(wire_format, &content, bytes_slice(&m->g->context), &m->params->signer, signature);
    if (e)
        return err_set(err, e, "signing a commit");
    e = mls_staged_finish(m->g, m->s, wire_format, &content, auth.signature, m->keys.commit_secret, m->joiner, err);
    if (e)
        return e;
    auth.confirmation_tag = slice_of(m->s->confirmation_tag, MLS_HASH_LEN);
    if (m->params->public_message)
        return mls_send_public(m->g, &content, &auth, out, err);
    e = mls_send_private(m->g, &content, &auth, m->rand, &change, out, err);
    mls_secret_change_wipe(&change);
    return e;
}

static int make(struct making *m, struct mls_commit_result *out, struct err *err)
{
    struct mls_commit_result result = {0};
    struct buf body = BUF_INIT;
    int e = mls_send_check(m->g, &m->params->signer, err);

    if (e)
        return e;
    if ((e = mls_staged_new(m->g, &m->s)) != 0)
        return err_set(err, e, "commit");
    if ((e = put_commit(m, &body, err)) != 0 || (e = seal(m, buf_slice(&body), &result.message, err)) != 0)
        goto done;
    mls_private_prune(&m->s->priv, m->g->own_leaf, &m->s->tree);
    mls_staged_describe(m->s);
    if (m->s->added.n) {
        e = mls_welcome_make(m->s, m->has_path ? &m->keys : NULL, m->joiner, &m->params->signer, m->rand,
                             &result.welcome, err);
        if (e)
            goto done;
    }
    result.staged = m->s;
    m->s = NULL;
    *out = result;
    result = (struct mls_commit_result){0};
done:
    mls_commit_result_free(&result);
    buf_free(&body);
    return e;
}

int mls_commit_create(struct mls_group *group, const struct mls_commit_params *params, const struct rand *rand,
                      struct mls_commit_result *out, struct err *err)
{
    struct making m = {.g = group, .params = params, .rand = rand};
    int e = make(&m, out, err);

    mls_staged_commit_free(m.s);
    buf_free(&m.proposals);
    buf_free(&m.path);
    mls_path_keys_wipe(&m.keys);
    sodium_memzero(m.joiner, sizeof m.joiner);
    return e;
}
