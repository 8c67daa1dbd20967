#include "mls/protect.h"

#include "base/alloc.h"
#include "base/err.h"
#include "crypto/hash.h"
#include "mls/suite.h"

#include <sodium.h>
#include <string.h>

void mls_put_content_tbs(struct buf *b, uint16_t wire_format, const struct mls_framed_content *content,
                         struct slice context)
{
    mls_put_message_head(b, wire_format);
    mls_put_framed_content(b, content);
    if (content->sender.type == MLS_SENDER_MEMBER || content->sender.type == MLS_SENDER_NEW_MEMBER_COMMIT)
        buf_put_slice(b, context);
}

int mls_content_sign(uint16_t wire_format, const struct mls_framed_content *content, struct slice context,
                     const struct mls_signer *signer, uint8_t signature[MLS_SIGNATURE_LEN])
{
    struct buf tbs = BUF_SECRET;
    int e;

    mls_put_content_tbs(&tbs, wire_format, content, context);
    e = buf_ok(&tbs) ? mls_sign_with_label(signer, "FramedContentTBS", buf_slice(&tbs), signature) : ERR_NOMEM;
    buf_free(&tbs);
    return e;
}

int mls_content_verify(uint16_t wire_format, const struct mls_framed_content *content, struct slice context,
                       struct slice signature_key, struct slice signature)
{
    struct buf tbs = BUF_SECRET;
    int e;

    mls_put_content_tbs(&tbs, wire_format, content, context);
    e = buf_ok(&tbs) ? mls_verify_with_label(signature_key, "FramedContentTBS", buf_slice(&tbs), signature)
                     : ERR_NOMEM;
    buf_free(&tbs);
    return e;
}

int mls_proposal_ref(uint16_t wire_format, const struct mls_framed_content *content,
                     const struct mls_content_auth *auth, uint8_t ref[MLS_HASH_LEN])
{
    struct buf b = BUF_INIT;
    int e;

    buf_put_u16(&b, wire_format);
    mls_put_framed_content(&b, content);
    mls_put_content_auth(&b, content->content_type, auth);
    e = buf_ok(&b) ? 0 : ERR_NOMEM;
    if (e == 0)
        mls_ref_hash("MLS 1.0 Proposal Reference", buf_slice(&b), ref);
    buf_free(&b);
    return e;
}

int mls_membership_tag(const uint8_t membership_key[MLS_HASH_LEN], const struct mls_framed_content *content,
                       struct slice context, const struct mls_content_auth *auth, uint8_t tag[MLS_HASH_LEN])
{
    struct buf tbm = BUF_INIT;
    int e;

    mls_put_content_tbs(&tbm, MLS_WIRE_PUBLIC_MESSAGE, content, context);
    mls_put_content_auth(&tbm, content->content_type, auth);
    e = buf_ok(&tbm) ? 0 : ERR_NOMEM;
    if (e == 0)
        hmac_sha256(slice_of(membership_key, MLS_HASH_LEN), buf_slice(&tbm), tag);
    buf_free(&tbm);
    return e;
}

int mls_public_seal(const struct mls_framed_content *content, const struct mls_content_auth *auth,
                    const uint8_t membership_key[MLS_HASH_LEN], struct slice context, struct buf *out)
{
    struct mls_public_message message = {.content = *content, .auth = *auth};
    uint8_t tag[MLS_HASH_LEN];
    int e;

    if (content->content_type == MLS_CONTENT_APPLICATION)
        return ERR_DENIED;
    if (content->sender.type == MLS_SENDER_MEMBER) {
        if ((e = mls_membership_tag(membership_key, content, context, auth, tag)) != 0)
            return e;
        message.membership_tag = slice_of(tag, sizeof tag);
    }
    mls_put_message_head(out, MLS_WIRE_PUBLIC_MESSAGE);
    mls_put_public_message(out, &message);
    return buf_ok(out) ? 0 : ERR_NOMEM;
}

/* ---- Private messages ---- */

void mls_sender_data_key(uint16_t suite, const uint8_t sender_data_secret[MLS_HASH_LEN], struct slice ciphertext,
                         uint8_t key[MLS_AEAD_KEY_MAX], uint8_t nonce[MLS_NONCE_LEN])
{
    struct slice sample = slice_of(ciphertext.data, ciphertext.len < MLS_HASH_LEN ? ciphertext.len : MLS_HASH_LEN);

    mls_expand_with_label(sender_data_secret, slice_str("key"), sample, key, mls_suite_key_len(suite));
    mls_expand_with_label(sender_data_secret, slice_str("nonce"), sample, nonce, MLS_NONCE_LEN);
}

/* SenderDataAAD is the beginning of PrivateContentAAD. */
static void put_aad(struct buf *b, const struct mls_private_message *m, bool with_authenticated_data)
{
    buf_put_vec(b, m->group_id);
    buf_put_u64(b, m->epoch);
    buf_put_u8(b, m->content_type);
    if (with_authenticated_data)
        buf_put_vec(b, m->authenticated_data);
}

static void guarded_nonce(const struct mls_message_key *key, const uint8_t guard[4], uint8_t nonce[MLS_NONCE_LEN])
{
    memcpy(nonce, key->nonce, MLS_NONCE_LEN);
    for (int i = 0; i < 4; i++)
        nonce[i] ^= guard[i];
}

static int seal_into(uint16_t suite, const uint8_t *key, const uint8_t *nonce, const struct buf *aad,
                     struct slice plain, struct bytes *out)
{
    int e;

    out->len = plain.len + AEAD_TAG_LEN;
    out->data = buf_ok(aad) ? xm_alloc(out->len) : NULL;
    if (!out->data)
        return ERR_NOMEM;
    if ((e = aead_seal(mls_suite_aead(suite), key, nonce, buf_slice(aad), plain, out->data)) != 0)
        bytes_free(out);
    return e;
}

static int seal_sender_data(uint16_t suite, const uint8_t sender_data_secret[MLS_HASH_LEN],
                            const struct mls_private_message *m, const struct mls_sender_data *sender,
                            struct bytes *out)
{
    uint8_t key[MLS_AEAD_KEY_MAX], nonce[MLS_NONCE_LEN];
    struct buf aad = BUF_INIT, plain = BUF_INIT;
    int e;

    mls_sender_data_key(suite, sender_data_secret, m->ciphertext, key, nonce);
    put_aad(&aad, m, false);
    buf_put_u32(&plain, sender->leaf);
    buf_put_u32(&plain, sender->generation);
    buf_put(&plain, sender->reuse_guard, sizeof sender->reuse_guard);
    e = buf_ok(&plain) ? seal_into(suite, key, nonce, &aad, buf_slice(&plain), out) : ERR_NOMEM;
    sodium_memzero(key, sizeof key);
    buf_free(&aad);
    buf_free(&plain);
    return e;
}

int mls_private_seal(uint16_t suite, const uint8_t sender_data_secret[MLS_HASH_LEN],
                     const struct mls_framed_content *content, const struct mls_content_auth *auth,
                     const struct mls_message_key *key, const struct rand *rand, struct buf *out)
{
    struct mls_private_message m = {
        .group_id = content->group_id,
        .epoch = content->epoch,
        .content_type = content->content_type,
        .authenticated_data = content->authenticated_data,
    };
    struct mls_sender_data sender = {.leaf = content->sender.leaf, .generation = key->generation};
    struct buf aad = BUF_INIT, plain = BUF_SECRET;
    struct bytes ciphertext = {0}, sender_data = {0};
    uint8_t nonce[MLS_NONCE_LEN];
    int e;

    rand_fill(rand, sender.reuse_guard, sizeof sender.reuse_guard);
    guarded_nonce(key, sender.reuse_guard, nonce);
    put_aad(&aad, &m, true);
    mls_put_content_body(&plain, content);
    mls_put_content_auth(&plain, content->content_type, auth);
    e = buf_ok(&plain) ? seal_into(suite, key->key, nonce, &aad, buf_slice(&plain), &ciphertext) : ERR_NOMEM;
    if (e)
        goto done;
    m.ciphertext = bytes_slice(&ciphertext);
    if ((e = seal_sender_data(suite, sender_data_secret, &m, &sender, &sender_data)) != 0)
        goto done;
    m.encrypted_sender_data = bytes_slice(&sender_data);
    mls_put_message_head(out, MLS_WIRE_PRIVATE_MESSAGE);
    mls_put_private_message(out, &m);
    e = buf_ok(out) ? 0 : ERR_NOMEM;
done:
    buf_free(&aad);
    buf_free(&plain);
    bytes_free(&ciphertext);
    bytes_free(&sender_data);
    return e;
}

int mls_private_open_sender(uint16_t suite, const uint8_t sender_data_secret[MLS_HASH_LEN],
                            const struct mls_private_message *message, struct mls_sender_data *out)
{
    uint8_t key[MLS_AEAD_KEY_MAX], nonce[MLS_NONCE_LEN], plain[12];
    struct buf aad = BUF_INIT;
    struct reader r;
    int e;

    if (message->encrypted_sender_data.len != sizeof plain + AEAD_TAG_LEN)
        return ERR_AUTH;
    mls_sender_data_key(suite, sender_data_secret, message->ciphertext, key, nonce);
    put_aad(&aad, message, false);
    e = buf_ok(&aad) ? aead_open(mls_suite_aead(suite), key, nonce, buf_slice(&aad), message->encrypted_sender_data,
                                 plain)
                     : ERR_NOMEM;
    if (e == 0) {
        r = reader_of(slice_of(plain, sizeof plain));
        out->leaf = read_u32(&r);
        out->generation = read_u32(&r);
        memcpy(out->reuse_guard, r.at, sizeof out->reuse_guard);
    }
    sodium_memzero(key, sizeof key);
    buf_free(&aad);
    return e;
}

static bool parse_private_content(struct slice plain, struct mls_framed_content *content,
                                  struct mls_content_auth *auth)
{
    struct reader r = reader_of(plain);

    mls_parse_content_body(&r, content);
    mls_parse_content_auth(&r, content->content_type, auth);
    while (reader_left(&r))
        if (read_u8(&r) != 0)
            return false;
    return reader_done(&r);
}

int mls_private_open(uint16_t suite, const struct mls_private_message *message, const struct mls_sender_data *sender,
                     const struct mls_message_key *key, struct bytes *plain, struct mls_framed_content *content,
                     struct mls_content_auth *auth)
{
    uint8_t nonce[MLS_NONCE_LEN];
    struct buf aad = BUF_INIT;
    struct bytes opened = {0};
    int e;

    if (message->ciphertext.len < AEAD_TAG_LEN)
        return ERR_AUTH;
    guarded_nonce(key, sender->reuse_guard, nonce);
    put_aad(&aad, message, true);
    opened.len = message->ciphertext.len - AEAD_TAG_LEN;
    opened.data = buf_ok(&aad) ? xm_alloc(opened.len) : NULL;
    e = opened.data ? aead_open(mls_suite_aead(suite), key->key, nonce, buf_slice(&aad), message->ciphertext,
                                opened.data)
                    : ERR_NOMEM;
    if (e)
        goto done;
    memset(content, 0, sizeof *content);
    content->group_id = message->group_id;
    content->epoch = message->epoch;
    content->sender = (struct mls_sender){MLS_SENDER_MEMBER, sender->leaf};
    content->authenticated_data = message->authenticated_data;
    content->content_type = message->content_type;
    if (!parse_private_content(bytes_slice(&opened), content, auth)) {
        e = ERR_MALFORMED;
        goto done;
    }
    *plain = opened;
    opened = (struct bytes){0};
done:
    bytes_wipe(&opened);
    buf_free(&aad);
    return e;
}
