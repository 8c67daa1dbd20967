/* GroupContext, GroupInfo, Welcome and GroupSecrets on the wire (RFC 9420 sections 8.1, 12.4.3). */
#include "mls/codec.h"

bool mls_parse_group_context(struct reader *r, struct mls_group_context *out)
{
    out->version = read_u16(r);
    out->suite = read_u16(r);
    out->group_id = read_vec(r, MLS_VEC_MAX);
    out->epoch = read_u64(r);
    out->tree_hash = read_vec(r, MLS_VEC_MAX);
    out->confirmed_transcript_hash = read_vec(r, MLS_VEC_MAX);
    return mls_parse_extensions(r, &out->extensions);
}

void mls_put_group_context(struct buf *b, const struct mls_group_context *context)
{
    buf_put_u16(b, context->version);
    buf_put_u16(b, context->suite);
    buf_put_vec(b, context->group_id);
    buf_put_u64(b, context->epoch);
    buf_put_vec(b, context->tree_hash);
    buf_put_vec(b, context->confirmed_transcript_hash);
    buf_put_vec(b, context->extensions);
}

bool mls_parse_group_info(struct reader *r, struct mls_group_info *out)
{
    const uint8_t *start = r->at;

    mls_parse_group_context(r, &out->context);
    out->context_raw = mls_since(start, r);
    mls_parse_extensions(r, &out->extensions);
    out->confirmation_tag = read_vec(r, MLS_VEC_MAX);
    out->signer = read_u32(r);
    out->tbs = mls_since(start, r);
    out->signature = read_vec(r, MLS_VEC_MAX);
    return !r->bad;
}

void mls_put_group_info(struct buf *b, const struct mls_group_info *info)
{
    mls_put_group_context(b, &info->context);
    buf_put_vec(b, info->extensions);
    buf_put_vec(b, info->confirmation_tag);
    buf_put_u32(b, info->signer);
    buf_put_vec(b, info->signature);
}

static bool parse_encrypted_secrets(struct reader *r, struct mls_encrypted_secrets *out)
{
    out->ref = read_vec(r, MLS_VEC_MAX);
    return mls_parse_hpke_ciphertext(r, &out->ciphertext);
}

bool mls_next_encrypted_secrets(struct slice *list, struct mls_encrypted_secrets *out)
{
    struct reader r = reader_of(*list);

    if (!list->len || !parse_encrypted_secrets(&r, out))
        return false;
    *list = slice_of(r.at, reader_left(&r));
    return true;
}

bool mls_parse_welcome(struct reader *r, struct mls_welcome *out)
{
    struct mls_encrypted_secrets one;
    struct reader list;

    out->suite = read_u16(r);
    out->secrets = read_vec(r, MLS_VEC_MAX);
    list = reader_of(out->secrets);
    while (reader_left(&list) && parse_encrypted_secrets(&list, &one))
        continue;
    if (list.bad)
        r->bad = true;
    out->encrypted_group_info = read_vec(r, MLS_VEC_MAX);
    return !r->bad;
}

void mls_put_welcome(struct buf *b, const struct mls_welcome *welcome)
{
    buf_put_u16(b, welcome->suite);
    buf_put_vec(b, welcome->secrets);
    buf_put_vec(b, welcome->encrypted_group_info);
}

bool mls_parse_group_secrets(struct reader *r, struct mls_group_secrets *out)
{
    struct mls_psk_id id;
    struct reader list;

    out->joiner_secret = read_vec(r, MLS_VEC_MAX);
    out->has_path_secret = mls_read_optional(r);
    out->path_secret = out->has_path_secret ? read_vec(r, MLS_VEC_MAX) : (struct slice){0};
    out->psks = read_vec(r, MLS_VEC_MAX);
    list = reader_of(out->psks);
    while (reader_left(&list) && mls_parse_psk_id(&list, &id))
        continue;
    if (list.bad)
        r->bad = true;
    return !r->bad;
}

void mls_put_group_secrets(struct buf *b, const struct mls_group_secrets *secrets)
{
    buf_put_vec(b, secrets->joiner_secret);
    buf_put_u8(b, secrets->has_path_secret);
    if (secrets->has_path_secret)
        buf_put_vec(b, secrets->path_secret);
    buf_put_vec(b, secrets->psks);
}
