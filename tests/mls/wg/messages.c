/* secret-tree, message-protection, messages. */
#include "mls/protect.h"
#include "mls/secret_tree.h"
#include "mls/suite.h"
#include "mls/tree.h"
#include "tests/mls/wg/wg.h"

#include <string.h>

/* ---- secret-tree ---- */

static bool sender_data(struct wg *w, uint16_t suite, const json_t *o)
{
    uint8_t key[MLS_AEAD_KEY_MAX], nonce[MLS_NONCE_LEN];
    struct slice secret = wg_secret(w, o, "sender_data_secret");

    mls_sender_data_key(suite, secret.data, wg_hex(w, o, "ciphertext"), key, nonce);
    WG(wg_is(key, mls_suite_key_len(suite), wg_hex(w, o, "key")));
    WG(wg_is(nonce, sizeof nonce, wg_hex(w, o, "nonce")));
    return true;
}

static bool one_key(struct wg *w, struct mls_secret_tree *tree, uint32_t leaf, enum mls_ratchet_type type,
                    uint32_t generation, struct slice want_key, struct slice want_nonce)
{
    struct mls_config config = mls_config_default();
    struct mls_secret_change change;
    struct mls_message_key key;

    WG(mls_secret_tree_key(tree, &config, leaf, type, generation, &key, &change, &w->err) == 0);
    WG(mls_secret_tree_apply(tree, &change) == 0);
    WG(wg_is(key.key, mls_suite_key_len(tree->suite), want_key));
    WG(wg_is(key.nonce, sizeof key.nonce, want_nonce));
    return true;
}

static bool keys_of_leaf(struct wg *w, struct mls_secret_tree *tree, uint32_t leaf, const json_t *list)
{
    json_t *o;
    size_t i;

    json_array_foreach(list, i, o)
    {
        uint32_t generation = (uint32_t)wg_int(w, o, "generation");

        if (!one_key(w, tree, leaf, MLS_RATCHET_HANDSHAKE, generation, wg_hex(w, o, "handshake_key"),
                     wg_hex(w, o, "handshake_nonce")) ||
            !one_key(w, tree, leaf, MLS_RATCHET_APPLICATION, generation, wg_hex(w, o, "application_key"),
                     wg_hex(w, o, "application_nonce")))
            return false;
    }
    return true;
}

bool wg_secret_tree(struct wg *w, const json_t *entry)
{
    const json_t *leaves = json_object_get(entry, "leaves");
    uint16_t suite = (uint16_t)wg_int(w, entry, "cipher_suite");
    struct slice secret = wg_secret(w, entry, "encryption_secret");
    struct mls_secret_tree tree;
    uint32_t width = 1;
    json_t *leaf;
    size_t i;
    bool ok = true;

    WG(sender_data(w, suite, json_object_get(entry, "sender_data")));
    while (width < json_array_size(leaves))
        width *= 2;
    WG(mls_secret_tree_init(&tree, suite, 0, width, secret.data) == 0);
    json_array_foreach(leaves, i, leaf) ok = ok && keys_of_leaf(w, &tree, (uint32_t)i, leaf);
    mls_secret_tree_wipe(&tree);
    return ok;
}

/* ---- message-protection ---- */

#define SENDER_LEAF 1 /* by the format */

struct protection {
    uint16_t suite;
    struct slice context, signature_key, sender_data_secret, encryption_secret, membership_key;
    struct mls_signer signer;
    struct mls_framed_content content; /* group, epoch and sender; the rest by message */
};

static bool open_public(struct wg *w, const struct protection *p, struct slice message, struct slice want)
{
    struct mls_message_view view;
    struct mls_public_message m;
    uint8_t tag[MLS_HASH_LEN];
    struct reader r;

    WG(mls_message_peek(message, &view, &w->err) == 0 && view.wire_format == MLS_WIRE_PUBLIC_MESSAGE);
    r = reader_of(view.body);
    WG(mls_parse_public_message(&r, &m) && m.content.sender.leaf == SENDER_LEAF);
    WG(slice_eq(m.content.body, want));
    WG(mls_membership_tag(p->membership_key.data, &m.content, p->context, &m.auth, tag) == 0);
    WG(wg_is(tag, sizeof tag, m.membership_tag));
    WG(mls_content_verify(MLS_WIRE_PUBLIC_MESSAGE, &m.content, p->context, p->signature_key, m.auth.signature) == 0);
    return true;
}

static bool open_private_with(struct wg *w, const struct protection *p, struct mls_secret_tree *tree,
                              struct slice message, struct slice want)
{
    struct mls_config config = mls_config_default();
    struct mls_framed_content content;
    struct mls_secret_change change;
    struct mls_sender_data sender;
    struct mls_private_message m;
    struct mls_content_auth auth;
    struct mls_message_view view;
    struct mls_message_key key;
    struct bytes plain = {0};
    enum mls_ratchet_type type;
    struct reader r;
    bool ok;

    WG(mls_message_peek(message, &view, &w->err) == 0 && view.wire_format == MLS_WIRE_PRIVATE_MESSAGE);
    r = reader_of(view.body);
    WG(mls_parse_private_message(&r, &m));
    WG(mls_private_open_sender(p->suite, p->sender_data_secret.data, &m, &sender) == 0);
    WG(sender.leaf == SENDER_LEAF);
    type = m.content_type == MLS_CONTENT_APPLICATION ? MLS_RATCHET_APPLICATION : MLS_RATCHET_HANDSHAKE;
    WG(mls_secret_tree_key(tree, &config, sender.leaf, type, sender.generation, &key, &change, &w->err) == 0);
    mls_secret_change_wipe(&change);
    WG(mls_private_open(p->suite, &m, &sender, &key, &plain, &content, &auth) == 0);
    ok = slice_eq(content.body, want) && mls_content_verify(MLS_WIRE_PRIVATE_MESSAGE, &content, p->context,
                                                            p->signature_key, auth.signature) == 0;
    bytes_wipe(&plain);
    WG(ok);
    return true;
}

static bool open_private(struct wg *w, const struct protection *p, struct slice message, struct slice want)
{
    struct mls_secret_tree tree;
    bool ok;

    WG(mls_secret_tree_init(&tree, p->suite, p->content.epoch, 2, p->encryption_secret.data) == 0);
    ok = open_private_with(w, p, &tree, message, want);
    mls_secret_tree_wipe(&tree);
    return ok;
}

/* Our own protection of the same content must open again. */
static bool protect(struct wg *w, const struct protection *p, uint8_t content_type, struct slice body)
{
    static const uint8_t tag[MLS_HASH_LEN];
    struct mls_config config = mls_config_default();
    uint8_t signature[MLS_SIGNATURE_LEN];
    struct mls_content_auth auth = {slice_of(signature, sizeof signature), slice_of(tag, sizeof tag)};
    struct mls_framed_content content = p->content;
    struct mls_secret_change change;
    struct mls_secret_tree tree;
    struct mls_message_key key;
    struct buf public_message = BUF_INIT, private_message = BUF_INIT;
    int e_public, e_private;
    bool ok;

    content.content_type = content_type;
    content.body = body;
    WG(mls_content_sign(MLS_WIRE_PUBLIC_MESSAGE, &content, p->context, &p->signer, signature) == 0);
    e_public = mls_public_seal(&content, &auth, p->membership_key.data, p->context, &public_message);
    WG(mls_content_sign(MLS_WIRE_PRIVATE_MESSAGE, &content, p->context, &p->signer, signature) == 0);
    WG(mls_secret_tree_init(&tree, p->suite, content.epoch, 2, p->encryption_secret.data) == 0);
    WG(mls_secret_tree_next(&tree, &config, SENDER_LEAF,
                            content_type == MLS_CONTENT_APPLICATION ? MLS_RATCHET_APPLICATION : MLS_RATCHET_HANDSHAKE,
                            &key, &change, &w->err) == 0);
    mls_secret_change_wipe(&change);
    mls_secret_tree_wipe(&tree);
    e_private = mls_private_seal(p->suite, p->sender_data_secret.data, &content, &auth, &key, w->rand,
                                 &private_message);
    ok = e_private == 0 && open_private(w, p, buf_slice(&private_message), body);
    if (content_type == MLS_CONTENT_APPLICATION)
        ok = ok && e_public == ERR_DENIED;
    else
        ok = ok && e_public == 0 && open_public(w, p, buf_slice(&public_message), body);
    buf_free(&public_message);
    buf_free(&private_message);
    WG(ok);
    return true;
}

bool wg_message_protection(struct wg *w, const json_t *entry)
{
    struct protection p = {
        .suite = (uint16_t)wg_int(w, entry, "cipher_suite"),
        .signature_key = wg_secret(w, entry, "signature_pub"),
        .sender_data_secret = wg_secret(w, entry, "sender_data_secret"),
        .encryption_secret = wg_secret(w, entry, "encryption_secret"),
        .membership_key = wg_secret(w, entry, "membership_key"),
        .content = {.group_id = wg_hex(w, entry, "group_id"),
                    .epoch = wg_int(w, entry, "epoch"),
                    .sender = {MLS_SENDER_MEMBER, SENDER_LEAF}},
    };
    struct mls_group_context ctx = {MLS_VERSION_10, p.suite, p.content.group_id, p.content.epoch,
                                    wg_hex(w, entry, "tree_hash"), wg_hex(w, entry, "confirmed_transcript_hash"),
                                    {0}};
    struct slice proposal = wg_hex(w, entry, "proposal"), commit = wg_hex(w, entry, "commit"),
                 application = wg_hex(w, entry, "application");
    struct buf context = BUF_INIT;
    bool ok;

    p.signer = (struct mls_signer){wg_signature_key(w, entry, "signature_priv", p.signature_key).data,
                                   p.signature_key.data};
    WG(!w->bad);
    mls_put_group_context(&context, &ctx);
    p.context = buf_slice(&context);
    ok = open_public(w, &p, wg_hex(w, entry, "proposal_pub"), proposal) &&
         open_private(w, &p, wg_hex(w, entry, "proposal_priv"), proposal) &&
         open_public(w, &p, wg_hex(w, entry, "commit_pub"), commit) &&
         open_private(w, &p, wg_hex(w, entry, "commit_priv"), commit) &&
         open_private(w, &p, wg_hex(w, entry, "application_priv"), application) &&
         protect(w, &p, MLS_CONTENT_PROPOSAL, proposal) && protect(w, &p, MLS_CONTENT_COMMIT, commit) &&
         protect(w, &p, MLS_CONTENT_APPLICATION, application);
    buf_free(&context);
    return ok;
}

/* ---- messages: everything decodes, and encodes to the same bytes ---- */

static bool round_trip_message(struct slice raw, uint16_t wire_format, struct buf *out)
{
    struct mls_message_view view;
    struct reader r;
    union {
        struct mls_public_message public_message;
        struct mls_private_message private_message;
        struct mls_welcome welcome;
        struct mls_group_info group_info;
        struct mls_key_package key_package;
    } u;

    if (mls_message_peek(raw, &view, NULL) != 0 || view.wire_format != wire_format)
        return false;
    mls_put_message_head(out, wire_format);
    r = reader_of(view.body);
    switch (wire_format) {
    case MLS_WIRE_PUBLIC_MESSAGE:
        mls_parse_public_message(&r, &u.public_message);
        mls_put_public_message(out, &u.public_message);
        break;
    case MLS_WIRE_PRIVATE_MESSAGE:
        mls_parse_private_message(&r, &u.private_message);
        mls_put_private_message(out, &u.private_message);
        break;
    case MLS_WIRE_WELCOME:
        mls_parse_welcome(&r, &u.welcome);
        mls_put_welcome(out, &u.welcome);
        break;
    case MLS_WIRE_GROUP_INFO:
        mls_parse_group_info(&r, &u.group_info);
        mls_put_group_info(out, &u.group_info);
        break;
    default:
        mls_parse_key_package(&r, &u.key_package);
        mls_put_key_package(out, &u.key_package);
    }
    return reader_done(&r);
}

static bool round_trip_proposal(struct slice raw, uint16_t type, struct buf *out)
{
    struct reader r = reader_of(raw);
    struct mls_proposal p;

    if (!mls_parse_proposal_body(&r, type, &p))
        return false;
    mls_put_proposal_body(out, &p);
    return reader_done(&r);
}

static bool round_trip_tree(struct wg *w, struct slice raw, struct buf *out)
{
    struct reader r = reader_of(raw);
    struct mls_tree tree = {0};
    size_t mark = buf_begin_vec(out);

    if (mls_tree_parse(read_vec(&r, MLS_VEC_MAX), MLS_MAX_LEAVES, &tree, &w->err) != 0)
        return false;
    mls_tree_put(out, &tree);
    buf_end_vec(out, mark);
    mls_tree_free(&tree);
    return reader_done(&r);
}

static bool round_trip_secrets(struct slice raw, struct buf *out)
{
    struct reader r = reader_of(raw);
    struct mls_group_secrets secrets;

    if (!mls_parse_group_secrets(&r, &secrets))
        return false;
    mls_put_group_secrets(out, &secrets);
    return reader_done(&r);
}

static bool round_trip_commit(struct slice raw, struct buf *out)
{
    struct reader r = reader_of(raw);
    struct mls_commit commit;

    if (!mls_parse_commit(&r, &commit))
        return false;
    mls_put_commit(out, &commit);
    return reader_done(&r);
}

enum shape { MESSAGE, PROPOSAL, TREE, SECRETS, COMMIT };
static const struct {
    const char *key;
    enum shape shape;
    uint16_t type;
} fields[] = {
    {"mls_welcome", MESSAGE, MLS_WIRE_WELCOME},
    {"mls_group_info", MESSAGE, MLS_WIRE_GROUP_INFO},
    {"mls_key_package", MESSAGE, MLS_WIRE_KEY_PACKAGE},
    {"ratchet_tree", TREE, 0},
    {"group_secrets", SECRETS, 0},
    {"add_proposal", PROPOSAL, MLS_PROPOSAL_ADD},
    {"update_proposal", PROPOSAL, MLS_PROPOSAL_UPDATE},
    {"remove_proposal", PROPOSAL, MLS_PROPOSAL_REMOVE},
    {"pre_shared_key_proposal", PROPOSAL, MLS_PROPOSAL_PSK},
    {"re_init_proposal", PROPOSAL, MLS_PROPOSAL_REINIT},
    {"external_init_proposal", PROPOSAL, MLS_PROPOSAL_EXTERNAL_INIT},
    {"group_context_extensions_proposal", PROPOSAL, MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS},
    {"commit", COMMIT, 0},
    {"public_message_application", MESSAGE, MLS_WIRE_PUBLIC_MESSAGE},
    {"public_message_proposal", MESSAGE, MLS_WIRE_PUBLIC_MESSAGE},
    {"public_message_commit", MESSAGE, MLS_WIRE_PUBLIC_MESSAGE},
    {"private_message", MESSAGE, MLS_WIRE_PRIVATE_MESSAGE},
};

bool wg_messages(struct wg *w, const json_t *entry)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct slice raw = wg_hex(w, entry, fields[i].key);
        struct buf b = BUF_INIT;
        bool ok = false;

        switch (fields[i].shape) {
        case MESSAGE: ok = round_trip_message(raw, fields[i].type, &b); break;
        case PROPOSAL: ok = round_trip_proposal(raw, fields[i].type, &b); break;
        case TREE: ok = round_trip_tree(w, raw, &b); break;
        case SECRETS: ok = round_trip_secrets(raw, &b); break;
        case COMMIT: ok = round_trip_commit(raw, &b); break;
        }
        ok = ok && slice_eq(buf_slice(&b), raw);
        buf_free(&b);
        if (!ok)
            return wg_fail(w, __FILE__, __LINE__, fields[i].key);
    }
    return true;
}
