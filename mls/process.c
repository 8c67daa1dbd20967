/* Received messages: decrypt, verify, say what they mean; and accept what the caller agrees to.
 *
 * mls_group_process() works on looked-up keys and forked trees, so that dropping its result undoes
 * it.  Commits go on in process_commit.c. */
#include "mls/process.h"

#include "base/alloc.h"
#include "base/err.h"
#include "mls/protect.h"
#include "mls/suite.h"

#include <sodium.h>
#include <string.h>

void mls_processed_free(struct mls_processed *p)
{
    if (!p)
        return;
    bytes_wipe(&p->plain);
    bytes_free(&p->authenticated_data);
    mls_node_unref(p->sender_node);
    mls_staged_commit_free(p->staged);
    mls_secret_change_wipe(&p->change);
    xm_free_secret(p, sizeof *p);
}

const struct mls_message_info *mls_processed_info(const struct mls_processed *processed)
{
    return &processed->info;
}

static void know_sender(struct mls_processed *p, const struct mls_node *node)
{
    p->sender_node = (struct mls_node *)node;
    p->sender_node->refs++;
    p->info.sender_signature_key = node->leaf.signature_key;
    p->info.sender_credential_type = node->leaf.credential_type;
    p->info.sender_credential = node->leaf.credential;
}

/* ---- By content ---- */

static int process_proposal(struct mls_group *g, struct mls_processed *p, uint16_t wire_format,
                            const struct mls_framed_content *content, const struct mls_content_auth *auth,
                            struct err *err)
{
    if (!mls_allows(g, MLS_ALLOW_PROPOSALS))
        return err_set(err, ERR_UNSUPPORTED, "standalone proposals are not accepted here");
    p->info.proposal = content->body;
    if (mls_proposal_ref(wire_format, content, auth, p->info.proposal_ref) != 0)
        return err_set(err, ERR_NOMEM, "proposal");
    return 0;
}

static int process_content(struct mls_group *g, struct mls_processed *p, uint16_t wire_format,
                           const struct mls_framed_content *content, const struct mls_content_auth *auth,
                           struct err *err)
{
    int e;

    p->info.wire_format = wire_format;
    p->info.content_type = content->content_type;
    p->info.epoch = content->epoch;
    p->info.sender_type = content->sender.type;
    p->info.sender_leaf = content->sender.leaf;
    p->info.authenticated_data = bytes_slice(&p->authenticated_data);
    switch (content->content_type) {
    case MLS_CONTENT_APPLICATION:
        p->info.plaintext = content->body;
        return 0;
    case MLS_CONTENT_PROPOSAL:
        return process_proposal(g, p, wire_format, content, auth, err);
    default:
        e = mls_process_commit(g, wire_format, content, auth, &p->staged, err);
        p->info.commit = p->staged;
        if (e == 0 && content->sender.type == MLS_SENDER_NEW_MEMBER_COMMIT)
            p->info.sender_leaf = p->staged->info.committer_leaf;
        return e;
    }
}

/* ---- Private messages ---- */

/* The keys and context that a message of some epoch is read with. */
struct readable {
    const uint8_t *sender_data;
    struct slice context;
    struct mls_secret_tree *tree;
    struct mls_epoch *past; /* NULL: the current one */
};

static int find_epoch(struct mls_group *g, const struct mls_private_message *m, struct readable *out, struct err *err)
{
    struct mls_epoch *past;
    int e;

    if (m->epoch == g->ctx.epoch) {
        *out = (struct readable){g->secrets.sender_data, bytes_slice(&g->context), &g->secret_tree, NULL};
        return 0;
    }
    past = m->content_type == MLS_CONTENT_APPLICATION ? mls_group_past_epoch(g, m->epoch, &e, err) : NULL;
    if (!past && m->content_type == MLS_CONTENT_APPLICATION && e)
        return e;
    if (!past)
        return err_set(err, ERR_CONFLICT, "a message of epoch %llu, the group is in %llu",
                       (unsigned long long)m->epoch, (unsigned long long)g->ctx.epoch);
    *out = (struct readable){past->sender_data, bytes_slice(&past->context), &past->tree, past};
    return 0;
}

static const struct mls_node *find_sender(struct mls_group *g, const struct readable *from, uint32_t leaf, int *e,
                                          struct err *err)
{
    *e = 0;
    if (from->past)
        return mls_group_past_node(g, from->past, leaf, e, err);
    return leaf < g->tree.width ? mls_tree_node(&g->tree, 2 * leaf) : NULL;
}

static int open_private(struct mls_group *g, const struct mls_private_message *m, const struct readable *from,
                        struct mls_processed *p, struct mls_framed_content *content, struct mls_content_auth *auth,
                        struct err *err)
{
    struct mls_sender_data sender = {0};
    struct mls_message_key key = {0};
    const struct mls_node *node;
    int e = mls_private_open_sender(g->ctx.suite, from->sender_data, m, &sender);

    if (e)
        return err_set(err, e, "sender data does not open");
    node = find_sender(g, from, sender.leaf, &e, err);
    if (!node)
        return e ? e : err_set(err, ERR_AUTH, "sender %u is no member", sender.leaf);
    if (sender.leaf == g->own_leaf)
        return err_set(err, ERR_EXISTS, "a message of our own");
    know_sender(p, node);
    p->info.generation = sender.generation;
    p->type = m->content_type == MLS_CONTENT_APPLICATION ? MLS_RATCHET_APPLICATION : MLS_RATCHET_HANDSHAKE;
    e = mls_secret_tree_key(from->tree, &g->config, sender.leaf, p->type, sender.generation, &key, &p->change, err);
    if (e)
        return e;
    p->has_change = true;
    e = mls_private_open(g->ctx.suite, m, &sender, &key, &p->plain, content, auth);
    mls_message_key_wipe(&key);
    if (e)
        return err_set(err, e, "a message of leaf %u does not open", sender.leaf);
    e = mls_content_verify(MLS_WIRE_PRIVATE_MESSAGE, content, from->context, node->leaf.signature_key,
                           auth->signature);
    return e ? err_set(err, e, "signature of leaf %u", sender.leaf) : 0;
}

static int process_private(struct mls_group *g, struct slice body, struct mls_processed *p, struct err *err)
{
    struct reader r = reader_of(body);
    struct mls_framed_content content;
    struct mls_private_message m;
    struct mls_content_auth auth;
    struct readable from = {0};
    int e;

    if (!mls_parse_private_message(&r, &m) || !reader_done(&r))
        return err_set(err, ERR_MALFORMED, "private message does not parse (%zu bytes)", body.len);
    if (!slice_eq(m.group_id, g->ctx.group_id))
        return err_set(err, ERR_DENIED, "a message of another group");
    if ((e = find_epoch(g, &m, &from, err)) != 0 || (e = open_private(g, &m, &from, p, &content, &auth, err)) != 0)
        return e;
    if (bytes_dup(m.authenticated_data, &p->authenticated_data) != 0)
        return err_set(err, ERR_NOMEM, "message");
    return process_content(g, p, MLS_WIRE_PRIVATE_MESSAGE, &content, &auth, err);
}

/* ---- Public messages ---- */

/* external_senders (section 12.1.8.1): key and credential of number `index`. */
static bool external_sender_key(const struct mls_group *g, uint32_t index, struct slice *key)
{
    struct slice body, found = {0};
    struct reader r, list;

    if (!mls_extension_find(g->ctx.extensions, MLS_EXT_EXTERNAL_SENDERS, &body))
        return false;
    r = reader_of(body);
    list = read_vec_reader(&r, MLS_VEC_MAX);
    for (uint32_t i = 0; i <= index; i++) {
        found = read_vec(&list, MLS_VEC_MAX);
        read_u16(&list);
        read_vec(&list, MLS_VEC_MAX);
        if (list.bad)
            return false;
    }
    *key = found;
    return !r.bad;
}

static bool external_may_propose(const struct mls_framed_content *c)
{
    uint16_t type = c->proposal.type;

    if (c->content_type != MLS_CONTENT_PROPOSAL)
        return false;
    if (c->sender.type == MLS_SENDER_NEW_MEMBER_PROPOSAL)
        return type == MLS_PROPOSAL_ADD;
    return type != MLS_PROPOSAL_UPDATE && type != MLS_PROPOSAL_EXTERNAL_INIT;
}

/* Whose key the signature is under, when it is not a member's. */
static int outsider_key(struct mls_group *g, const struct mls_framed_content *c, struct slice *key, struct err *err)
{
    if (!mls_allows(g, MLS_ALLOW_EXTERNAL))
        return err_set(err, ERR_UNSUPPORTED, "messages of non-members are not accepted here");
    if (c->sender.type == MLS_SENDER_NEW_MEMBER_COMMIT) {
        if (c->content_type != MLS_CONTENT_COMMIT || !c->commit.has_path)
            return err_set(err, ERR_DENIED, "an external commit without a path");
        *key = c->commit.path.leaf.signature_key;
        return 0;
    }
    if (!external_may_propose(c))
        return err_set(err, ERR_DENIED, "a message that a non-member must not send");
    if (c->sender.type == MLS_SENDER_NEW_MEMBER_PROPOSAL)
        *key = c->proposal.key_package.leaf.signature_key;
    else if (!external_sender_key(g, c->sender.leaf, key))
        return err_set(err, ERR_DENIED, "unknown external sender %u", c->sender.leaf);
    return 0;
}

static int member_key(struct mls_group *g, const struct mls_public_message *m, struct mls_processed *p,
                      struct slice *key, struct err *err)
{
    uint32_t leaf = m->content.sender.leaf;
    const struct mls_node *node = leaf < g->tree.width ? mls_tree_node(&g->tree, 2 * leaf) : NULL;
    uint8_t tag[MLS_HASH_LEN];

    if (!node)
        return err_set(err, ERR_AUTH, "sender %u is no member", leaf);
    if (mls_membership_tag(g->secrets.membership, &m->content, bytes_slice(&g->context), &m->auth, tag) != 0)
        return err_set(err, ERR_NOMEM, "message");
    if (!slice_eq_secret(m->membership_tag, slice_of(tag, sizeof tag)))
        return err_set(err, ERR_AUTH, "membership tag");
    if (leaf == g->own_leaf)
        return err_set(err, ERR_EXISTS, "a message of our own");
    know_sender(p, node);
    *key = node->leaf.signature_key;
    return 0;
}

static int process_public(struct mls_group *g, struct slice body, struct mls_processed *p, struct err *err)
{
    struct mls_public_message m;
    struct slice key;
    struct reader r;
    int e;

    if (!mls_allows(g, MLS_ALLOW_PUBLIC_MESSAGE))
        return err_set(err, ERR_UNSUPPORTED, "public messages are not accepted here");
    if (bytes_dup(body, &p->plain) != 0)
        return err_set(err, ERR_NOMEM, "message");
    r = reader_of(bytes_slice(&p->plain));
    if (!mls_parse_public_message(&r, &m) || !reader_done(&r))
        return err_set(err, ERR_MALFORMED, "public message does not parse (%zu bytes)", body.len);
    if (m.content.content_type == MLS_CONTENT_APPLICATION)
        return err_set(err, ERR_DENIED, "application data in a public message");
    if (!slice_eq(m.content.group_id, g->ctx.group_id))
        return err_set(err, ERR_DENIED, "a message of another group");
    if (m.content.epoch != g->ctx.epoch)
        return err_set(err, ERR_CONFLICT, "a message of epoch %llu, the group is in %llu",
                       (unsigned long long)m.content.epoch, (unsigned long long)g->ctx.epoch);
    e = m.content.sender.type == MLS_SENDER_MEMBER ? member_key(g, &m, p, &key, err)
                                                   : outsider_key(g, &m.content, &key, err);
    if (e)
        return e;
    e = mls_content_verify(MLS_WIRE_PUBLIC_MESSAGE, &m.content, bytes_slice(&g->context), key, m.auth.signature);
    if (e)
        return err_set(err, e, "signature of a public message");
    if (bytes_dup(m.content.authenticated_data, &p->authenticated_data) != 0)
        return err_set(err, ERR_NOMEM, "message");
    return process_content(g, p, MLS_WIRE_PUBLIC_MESSAGE, &m.content, &m.auth, err);
}

int mls_group_process(struct mls_group *group, struct slice message, struct mls_processed **out, struct err *err)
{
    struct reader r = reader_of(message);
    uint16_t version = read_u16(&r), wire_format = read_u16(&r);
    struct slice body = slice_of(r.at, reader_left(&r));
    struct mls_processed *p;
    int e;

    if (!group->active)
        return err_set(err, ERR_STATE, "the group is no longer active");
    if (r.bad || version != MLS_VERSION_10)
        return err_set(err, ERR_MALFORMED, "not an MLS 1.0 message (%zu bytes)", message.len);
    if (!(p = xm_alloc(sizeof *p)))
        return err_set(err, ERR_NOMEM, "message");
    if (wire_format == MLS_WIRE_PRIVATE_MESSAGE)
        e = process_private(group, body, p, err);
    else if (wire_format == MLS_WIRE_PUBLIC_MESSAGE)
        e = process_public(group, body, p, err);
    else
        e = err_set(err, ERR_UNSUPPORTED, "wire format %u is not for groups", wire_format);
    if (e) {
        mls_processed_free(p);
        return e;
    }
    *out = p;
    return 0;
}

/* ---- Accepting ---- */

static int use_key(struct mls_group *g, struct mls_processed *p, struct err *err)
{
    struct mls_secret_tree *tree = &g->secret_tree;
    struct mls_message_key key;
    struct mls_epoch *past;
    int e;

    if (!p->has_change)
        return 0;
    if (p->info.epoch != g->ctx.epoch) {
        past = mls_group_past_epoch(g, p->info.epoch, &e, err);
        if (!past)
            return e ? e : err_set(err, ERR_STATE, "the epoch of the message is no longer kept");
        tree = &past->tree;
    }
    e = mls_secret_tree_apply(tree, &p->change);
    if (e == ERR_STATE) { /* something else was accepted or sent since: look the key up again */
        mls_secret_change_wipe(&p->change);
        e = mls_secret_tree_key(tree, &g->config, p->info.sender_leaf, p->type, p->info.generation, &key, &p->change,
                                err);
        mls_message_key_wipe(&key);
        if (e)
            return err_set(err, e == ERR_NOMEM ? e : ERR_STATE, "the message was accepted before");
        e = mls_secret_tree_apply(tree, &p->change);
    }
    return e ? err_set(err, e, "accepting a message") : 0;
}

int mls_pending_add(struct mls_group *g, const uint8_t ref[MLS_HASH_LEN], struct mls_sender sender, struct slice raw,
                    struct err *err)
{
    struct mls_pending *grown;

    for (uint32_t i = 0; i < g->pending_n; i++)
        if (memcmp(g->pending[i].ref, ref, MLS_HASH_LEN) == 0)
            return 0;
    if (g->pending_n == MLS_PENDING_MAX)
        return err_set(err, ERR_TOOBIG, "%u proposals in one epoch", g->pending_n);
    grown = xm_realloc(g->pending, g->pending_n + 1, sizeof *grown);
    if (!grown)
        return err_set(err, ERR_NOMEM, "proposal");
    g->pending = grown;
    memset(&grown[g->pending_n], 0, sizeof *grown);
    if (bytes_dup(raw, &grown[g->pending_n].raw) != 0)
        return err_set(err, ERR_NOMEM, "proposal");
    memcpy(grown[g->pending_n].ref, ref, MLS_HASH_LEN);
    grown[g->pending_n++].sender = sender;
    g->pending_dirty = true;
    return 0;
}

static int accept_proposal(struct mls_group *g, struct mls_processed *p, struct err *err)
{
    struct mls_sender sender = {p->info.sender_type, p->info.sender_leaf};
    int e;

    if (p->info.epoch != g->ctx.epoch)
        return err_set(err, ERR_STATE, "the group has left the proposal's epoch");
    if ((e = mls_pending_add(g, p->info.proposal_ref, sender, p->info.proposal, err)) != 0)
        return e;
    return use_key(g, p, err);
}

static int accept_commit(struct mls_group *g, struct mls_processed *p, struct err *err)
{
    struct mls_staged_commit *s = p->staged;

    p->staged = NULL;
    s->has_change = p->has_change;
    s->generation = p->info.generation;
    s->change = p->change;
    sodium_memzero(&p->change, sizeof p->change);
    return mls_group_merge(g, s, err);
}

int mls_group_accept(struct mls_group *group, struct mls_processed *processed, struct err *err)
{
    int e;

    if (!group->active)
        e = err_set(err, ERR_STATE, "the group is no longer active");
    else if (processed->info.content_type == MLS_CONTENT_APPLICATION)
        e = use_key(group, processed, err);
    else if (processed->info.content_type == MLS_CONTENT_PROPOSAL)
        e = accept_proposal(group, processed, err);
    else
        e = accept_commit(group, processed, err);
    mls_processed_free(processed);
    return e;
}
