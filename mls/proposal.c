/* Proposals and pre-shared key ids on the wire (RFC 9420 sections 8.4 and 12.1). */
#include "mls/codec.h"

#include <string.h>

bool mls_parse_hpke_ciphertext(struct reader *r, struct mls_hpke_ciphertext *out)
{
    out->kem_output = read_vec(r, MLS_VEC_MAX);
    out->ciphertext = read_vec(r, MLS_VEC_MAX);
    return !r->bad;
}

void mls_put_hpke_ciphertext(struct buf *b, const struct mls_hpke_ciphertext *ct)
{
    buf_put_vec(b, ct->kem_output);
    buf_put_vec(b, ct->ciphertext);
}

bool mls_parse_psk_id(struct reader *r, struct mls_psk_id *out)
{
    const uint8_t *start = r->at;

    memset(out, 0, sizeof *out);
    out->type = read_u8(r);
    switch (out->type) {
    case MLS_PSK_EXTERNAL:
        out->psk_id = read_vec(r, MLS_VEC_MAX);
        break;
    case MLS_PSK_RESUMPTION:
        out->usage = read_u8(r);
        if (out->usage < MLS_PSK_APPLICATION || out->usage > MLS_PSK_BRANCH)
            r->bad = true;
        out->group_id = read_vec(r, MLS_VEC_MAX);
        out->epoch = read_u64(r);
        break;
    default:
        r->bad = true;
    }
    out->nonce = read_vec(r, MLS_VEC_MAX);
    out->raw = mls_since(start, r);
    return !r->bad;
}

void mls_put_psk_id(struct buf *b, const struct mls_psk_id *id)
{
    buf_put_u8(b, id->type);
    if (id->type == MLS_PSK_EXTERNAL) {
        buf_put_vec(b, id->psk_id);
    } else {
        buf_put_u8(b, id->usage);
        buf_put_vec(b, id->group_id);
        buf_put_u64(b, id->epoch);
    }
    buf_put_vec(b, id->nonce);
}

bool mls_parse_proposal_body(struct reader *r, uint16_t type, struct mls_proposal *out)
{
    memset(out, 0, sizeof *out);
    out->type = type;
    switch (type) {
    case MLS_PROPOSAL_ADD:
        return mls_parse_key_package(r, &out->key_package);
    case MLS_PROPOSAL_UPDATE:
        return mls_parse_leaf(r, &out->leaf);
    case MLS_PROPOSAL_REMOVE:
        out->removed = read_u32(r);
        return !r->bad;
    case MLS_PROPOSAL_PSK:
        return mls_parse_psk_id(r, &out->psk);
    case MLS_PROPOSAL_REINIT:
        out->group_id = read_vec(r, MLS_VEC_MAX);
        out->version = read_u16(r);
        out->suite = read_u16(r);
        return mls_parse_extensions(r, &out->extensions);
    case MLS_PROPOSAL_EXTERNAL_INIT:
        out->kem_output = read_vec(r, MLS_VEC_MAX);
        return !r->bad;
    case MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS:
        return mls_parse_extensions(r, &out->extensions);
    default:
        r->bad = true; /* its end cannot be found */
        return false;
    }
}

bool mls_parse_proposal(struct reader *r, struct mls_proposal *out)
{
    const uint8_t *start = r->at;
    uint16_t type = read_u16(r);

    mls_parse_proposal_body(r, type, out);
    out->raw = mls_since(start, r);
    return !r->bad;
}

void mls_put_proposal_body(struct buf *b, const struct mls_proposal *p)
{
    switch (p->type) {
    case MLS_PROPOSAL_ADD:
        mls_put_key_package(b, &p->key_package);
        break;
    case MLS_PROPOSAL_UPDATE:
        mls_put_leaf(b, &p->leaf);
        break;
    case MLS_PROPOSAL_REMOVE:
        buf_put_u32(b, p->removed);
        break;
    case MLS_PROPOSAL_PSK:
        mls_put_psk_id(b, &p->psk);
        break;
    case MLS_PROPOSAL_REINIT:
        buf_put_vec(b, p->group_id);
        buf_put_u16(b, p->version);
        buf_put_u16(b, p->suite);
        buf_put_vec(b, p->extensions);
        break;
    case MLS_PROPOSAL_EXTERNAL_INIT:
        buf_put_vec(b, p->kem_output);
        break;
    default:
        buf_put_vec(b, p->extensions);
    }
}

void mls_put_proposal(struct buf *b, const struct mls_proposal *p)
{
    buf_put_u16(b, p->type);
    mls_put_proposal_body(b, p);
}
