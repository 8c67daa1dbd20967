/* Own messages that change no member: application data, standalone proposals. */
#include "base/err.h"
#include "mls/group.h"
#include "mls/process.h"
#include "mls/protect.h"
#include "mls/send.h"

#include <string.h>

int mls_send_check(const struct mls_group *g, const struct mls_signer *signer, struct err *err)
{
    const struct mls_leaf *own = mls_tree_leaf(&g->tree, g->own_leaf);

    if (!g->active || !own)
        return err_set(err, ERR_STATE, "the group is no longer active");
    if (g->reinitialized)
        return err_set(err, ERR_STATE, "the group was reinitialized: its members go on in another one");
    if (!slice_eq(own->signature_key, slice_of(signer->public_key, MLS_KEY_LEN)))
        return err_set(err, ERR_INVALID, "the signer is not the one of our leaf");
    return 0;
}

void mls_send_content(const struct mls_group *g, uint8_t content_type, struct slice authenticated_data,
                      struct slice body, struct mls_framed_content *out)
{
    *out = (struct mls_framed_content){
        .group_id = g->ctx.group_id,
        .epoch = g->ctx.epoch,
        .sender = {MLS_SENDER_MEMBER, g->own_leaf},
        .authenticated_data = authenticated_data,
        .content_type = content_type,
        .body = body,
    };
}

/* Seals under the next key of one of our ratchets; the change is the caller's to apply or drop. */
int mls_send_private(struct mls_group *g, const struct mls_framed_content *content, const struct mls_content_auth *auth,
                     const struct rand *rand, struct mls_secret_change *change, struct bytes *out, struct err *err)
{
    enum mls_ratchet_type type =
        content->content_type == MLS_CONTENT_APPLICATION ? MLS_RATCHET_APPLICATION : MLS_RATCHET_HANDSHAKE;
    struct mls_message_key key = {0};
    struct buf b = BUF_INIT;
    int e = mls_secret_tree_next(&g->secret_tree, &g->config, g->own_leaf, type, &key, change, err);

    if (e)
        return e;
    e = mls_private_seal(g->ctx.suite, g->secrets.sender_data, content, auth, &key, rand, &b);
    if (e == 0)
        e = buf_take(&b, out);
    mls_message_key_wipe(&key);
    buf_free(&b);
    if (e) {
        mls_secret_change_wipe(change);
        return err_set(err, e, "sealing a message");
    }
    return 0;
}

int mls_group_encrypt(struct mls_group *group, const struct mls_signer *signer, struct slice authenticated_data,
                      struct slice plaintext, const struct rand *rand, struct bytes *out, struct err *err)
{
    uint8_t signature[MLS_SIGNATURE_LEN];
    struct mls_content_auth auth = {.signature = slice_of(signature, sizeof signature)};
    struct mls_secret_change change = {0};
    struct mls_framed_content content;
    struct bytes message = {0};
    int e = mls_send_check(group, signer, err);

    if (e)
        return e;
    mls_send_content(group, MLS_CONTENT_APPLICATION, authenticated_data, plaintext, &content);
    e = mls_content_sign(MLS_WIRE_PRIVATE_MESSAGE, &content, bytes_slice(&group->context), signer, signature);
    if (e)
        return err_set(err, e, "signing a message");
    if ((e = mls_send_private(group, &content, &auth, rand, &change, &message, err)) != 0)
        return e;
    if ((e = mls_secret_tree_apply(&group->secret_tree, &change)) != 0) {
        mls_secret_change_wipe(&change);
        bytes_free(&message);
        return err_set(err, e, "message key");
    }
    *out = message;
    return 0;
}

int mls_send_public(struct mls_group *g, const struct mls_framed_content *content,
                    const struct mls_content_auth *auth, struct bytes *out, struct err *err)
{
    struct buf b = BUF_INIT;
    int e = mls_public_seal(content, auth, g->secrets.membership, bytes_slice(&g->context), &b);

    if (e == 0)
        e = buf_take(&b, out);
    buf_free(&b);
    return e ? err_set(err, e, "sealing a public message") : 0;
}

int mls_proposal_create(struct mls_group *group, const struct mls_signer *signer, struct slice proposal,
                        bool public_message, const struct rand *rand, struct bytes *out, struct err *err)
{
    uint16_t wire_format = public_message ? MLS_WIRE_PUBLIC_MESSAGE : MLS_WIRE_PRIVATE_MESSAGE;
    uint8_t signature[MLS_SIGNATURE_LEN], ref[MLS_HASH_LEN];
    struct mls_content_auth auth = {.signature = slice_of(signature, sizeof signature)};
    struct mls_secret_change change = {0};
    struct mls_framed_content content;
    struct reader r = reader_of(proposal);
    struct bytes message = {0};
    struct mls_proposal p;
    int e = mls_send_check(group, signer, err);

    if (e)
        return e;
    if (!mls_parse_proposal(&r, &p) || !reader_done(&r) || p.type == MLS_PROPOSAL_UPDATE)
        return err_set(err, ERR_INVALID, "a proposal that does not parse, or an update");
    mls_send_content(group, MLS_CONTENT_PROPOSAL, (struct slice){0}, proposal, &content);
    if ((e = mls_content_sign(wire_format, &content, bytes_slice(&group->context), signer, signature)) != 0 ||
        (e = mls_proposal_ref(wire_format, &content, &auth, ref)) != 0)
        return err_set(err, e, "signing a proposal");
    e = public_message ? mls_send_public(group, &content, &auth, &message, err)
                       : mls_send_private(group, &content, &auth, rand, &change, &message, err);
    if (e == 0)
        e = mls_pending_add(group, ref, content.sender, proposal, err);
    if (e == 0 && !public_message && (e = mls_secret_tree_apply(&group->secret_tree, &change)) != 0)
        err_set(err, e, "message key");
    if (e) {
        mls_secret_change_wipe(&change);
        bytes_free(&message);
        return e;
    }
    *out = message;
    return 0;
}
