/* Message framing on the wire (RFC 9420 section 6). */
#include "base/err.h"
#include "mls/codec.h"
#include "mls/suite.h"

#include <string.h>

static bool parse_sender(struct reader *r, struct mls_sender *out)
{
    out->type = read_u8(r);
    out->leaf = 0;
    switch (out->type) {
    case MLS_SENDER_MEMBER:
    case MLS_SENDER_EXTERNAL:
        out->leaf = read_u32(r);
        break;
    case MLS_SENDER_NEW_MEMBER_PROPOSAL:
    case MLS_SENDER_NEW_MEMBER_COMMIT:
        break;
    default:
        r->bad = true;
    }
    return !r->bad;
}

bool mls_parse_content_body(struct reader *r, struct mls_framed_content *out)
{
    const uint8_t *start = r->at;

    switch (out->content_type) {
    case MLS_CONTENT_APPLICATION:
        out->body = read_vec(r, MLS_VEC_MAX);
        return !r->bad;
    case MLS_CONTENT_PROPOSAL:
        mls_parse_proposal(r, &out->proposal);
        break;
    case MLS_CONTENT_COMMIT:
        mls_parse_commit(r, &out->commit);
        break;
    default:
        r->bad = true;
    }
    out->body = mls_since(start, r);
    return !r->bad;
}

void mls_put_content_body(struct buf *b, const struct mls_framed_content *content)
{
    if (content->content_type == MLS_CONTENT_APPLICATION)
        buf_put_vec(b, content->body);
    else
        buf_put_slice(b, content->body);
}

bool mls_parse_framed_content(struct reader *r, struct mls_framed_content *out)
{
    out->group_id = read_vec(r, MLS_VEC_MAX);
    out->epoch = read_u64(r);
    parse_sender(r, &out->sender);
    out->authenticated_data = read_vec(r, MLS_VEC_MAX);
    out->content_type = read_u8(r);
    return mls_parse_content_body(r, out);
}

void mls_put_framed_content(struct buf *b, const struct mls_framed_content *content)
{
    buf_put_vec(b, content->group_id);
    buf_put_u64(b, content->epoch);
    buf_put_u8(b, content->sender.type);
    if (content->sender.type == MLS_SENDER_MEMBER || content->sender.type == MLS_SENDER_EXTERNAL)
        buf_put_u32(b, content->sender.leaf);
    buf_put_vec(b, content->authenticated_data);
    buf_put_u8(b, content->content_type);
    mls_put_content_body(b, content);
}

bool mls_parse_content_auth(struct reader *r, uint8_t content_type, struct mls_content_auth *out)
{
    memset(out, 0, sizeof *out);
    out->signature = read_vec(r, MLS_VEC_MAX);
    if (content_type == MLS_CONTENT_COMMIT)
        out->confirmation_tag = read_vec(r, MLS_VEC_MAX);
    return !r->bad;
}

void mls_put_content_auth(struct buf *b, uint8_t content_type, const struct mls_content_auth *auth)
{
    buf_put_vec(b, auth->signature);
    if (content_type == MLS_CONTENT_COMMIT)
        buf_put_vec(b, auth->confirmation_tag);
}

bool mls_parse_authenticated_content(struct reader *r, struct mls_authenticated_content *out)
{
    memset(out, 0, sizeof *out);
    out->wire_format = read_u16(r);
    mls_parse_framed_content(r, &out->content);
    return mls_parse_content_auth(r, out->content.content_type, &out->auth);
}

bool mls_parse_public_message(struct reader *r, struct mls_public_message *out)
{
    memset(out, 0, sizeof *out);
    mls_parse_framed_content(r, &out->content);
    mls_parse_content_auth(r, out->content.content_type, &out->auth);
    if (out->content.sender.type == MLS_SENDER_MEMBER)
        out->membership_tag = read_vec(r, MLS_VEC_MAX);
    return !r->bad;
}

void mls_put_public_message(struct buf *b, const struct mls_public_message *message)
{
    mls_put_framed_content(b, &message->content);
    mls_put_content_auth(b, message->content.content_type, &message->auth);
    if (message->content.sender.type == MLS_SENDER_MEMBER)
        buf_put_vec(b, message->membership_tag);
}

bool mls_parse_private_message(struct reader *r, struct mls_private_message *out)
{
    out->group_id = read_vec(r, MLS_VEC_MAX);
    out->epoch = read_u64(r);
    out->content_type = read_u8(r);
    if (out->content_type < MLS_CONTENT_APPLICATION || out->content_type > MLS_CONTENT_COMMIT)
        r->bad = true;
    out->authenticated_data = read_vec(r, MLS_VEC_MAX);
    out->encrypted_sender_data = read_vec(r, MLS_VEC_MAX);
    out->ciphertext = read_vec(r, MLS_VEC_MAX);
    return !r->bad;
}

void mls_put_private_message(struct buf *b, const struct mls_private_message *message)
{
    buf_put_vec(b, message->group_id);
    buf_put_u64(b, message->epoch);
    buf_put_u8(b, message->content_type);
    buf_put_vec(b, message->authenticated_data);
    buf_put_vec(b, message->encrypted_sender_data);
    buf_put_vec(b, message->ciphertext);
}

void mls_put_message_head(struct buf *b, uint16_t wire_format)
{
    buf_put_u16(b, MLS_VERSION_10);
    buf_put_u16(b, wire_format);
}

/* Parses the body just to know that it is whole. */
static bool peek_body(struct reader *r, struct mls_message_view *out)
{
    union {
        struct mls_public_message public_message;
        struct mls_private_message private_message;
        struct mls_welcome welcome;
        struct mls_group_info group_info;
        struct mls_key_package key_package;
    } u;

    switch (out->wire_format) {
    case MLS_WIRE_PUBLIC_MESSAGE:
        if (!mls_parse_public_message(r, &u.public_message))
            return false;
        out->group_id = u.public_message.content.group_id;
        out->epoch = u.public_message.content.epoch;
        out->content_type = u.public_message.content.content_type;
        return true;
    case MLS_WIRE_PRIVATE_MESSAGE:
        if (!mls_parse_private_message(r, &u.private_message))
            return false;
        out->group_id = u.private_message.group_id;
        out->epoch = u.private_message.epoch;
        out->content_type = u.private_message.content_type;
        return true;
    case MLS_WIRE_WELCOME:
        return mls_parse_welcome(r, &u.welcome);
    case MLS_WIRE_GROUP_INFO:
        return mls_parse_group_info(r, &u.group_info);
    case MLS_WIRE_KEY_PACKAGE:
        return mls_parse_key_package(r, &u.key_package);
    default:
        return false;
    }
}

int mls_message_peek(struct slice message, struct mls_message_view *out, struct err *err)
{
    struct reader r = reader_of(message);
    struct mls_message_view view = {0};
    uint16_t version = read_u16(&r);

    view.wire_format = read_u16(&r);
    if (r.bad || version != MLS_VERSION_10)
        return err_set(err, ERR_MALFORMED, "not an MLS 1.0 message (%zu bytes)", message.len);
    view.body = slice_of(r.at, reader_left(&r));
    if (!peek_body(&r, &view) || !reader_done(&r))
        return err_set(err, ERR_MALFORMED, "MLS message of wire format %u does not parse (%zu bytes)",
                       view.wire_format, message.len);
    *out = view;
    return 0;
}

bool mls_welcome_is_for(struct slice welcome, const uint8_t ref[MLS_HASH_LEN])
{
    struct mls_message_view view;
    struct mls_encrypted_secrets one;
    struct mls_welcome w;
    struct reader r;

    if (mls_message_peek(welcome, &view, NULL) != 0 || view.wire_format != MLS_WIRE_WELCOME)
        return false;
    r = reader_of(view.body);
    mls_parse_welcome(&r, &w);
    while (mls_next_encrypted_secrets(&w.secrets, &one))
        if (slice_eq(one.ref, slice_of(ref, MLS_HASH_LEN)))
            return true;
    return false;
}
