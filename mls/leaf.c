/* Extension lists, capabilities and leaf nodes (RFC 9420 sections 7.2 and 13). */
#include "base/err.h"
#include "mls/codec.h"
#include "mls/suite.h"

#include <string.h>

size_t mls_vec_prefix(size_t len, uint8_t out[4])
{
    if (len < 1u << 6) {
        out[0] = (uint8_t)len;
        return 1;
    }
    if (len < 1u << 14) {
        out[0] = (uint8_t)(0x40 | len >> 8);
        out[1] = (uint8_t)len;
        return 2;
    }
    out[0] = (uint8_t)(0x80 | len >> 24);
    out[1] = (uint8_t)(len >> 16);
    out[2] = (uint8_t)(len >> 8);
    out[3] = (uint8_t)len;
    return 4;
}

struct slice mls_since(const uint8_t *start, const struct reader *r)
{
    return r->bad ? (struct slice){0} : slice_of(start, (size_t)(r->at - start));
}

bool mls_read_optional(struct reader *r)
{
    uint8_t present = read_u8(r);

    if (present > 1)
        r->bad = true;
    return !r->bad && present == 1;
}

bool mls_extension_next(struct slice *list, uint16_t *type, struct slice *data)
{
    struct reader r = reader_of(*list);
    uint16_t t = read_u16(&r);
    struct slice d = read_vec(&r, MLS_VEC_MAX);

    if (r.bad)
        return false;
    *type = t;
    *data = d;
    *list = slice_of(r.at, (size_t)(r.end - r.at));
    return true;
}

bool mls_extension_find(struct slice list, uint16_t type, struct slice *data)
{
    struct slice d;
    uint16_t t;

    while (mls_extension_next(&list, &t, &d)) {
        if (t == type) {
            *data = d;
            return true;
        }
    }
    return false;
}

void mls_extension_put(struct buf *list, uint16_t type, struct slice data)
{
    buf_put_u16(list, type);
    buf_put_vec(list, data);
}

/* One bit a type: linear even for a list of millions of empty extensions. */
int mls_extensions_check(struct slice list, struct err *err)
{
    uint8_t seen[65536 / 8] = {0};
    struct slice data;
    uint16_t type;

    while (mls_extension_next(&list, &type, &data)) {
        if (seen[type / 8] & 1u << type % 8)
            return err_set(err, ERR_MALFORMED, "extension 0x%04x twice in one list", type);
        seen[type / 8] |= (uint8_t)(1u << type % 8);
    }
    return list.len ? err_set(err, ERR_MALFORMED, "extension list cut short") : 0;
}

bool mls_parse_extensions(struct reader *r, struct slice *out)
{
    struct slice list = read_vec(r, MLS_VEC_MAX), rest = list, data;
    uint16_t type;

    while (mls_extension_next(&rest, &type, &data))
        continue;
    if (rest.len)
        r->bad = true;
    *out = list;
    return !r->bad;
}

void mls_put_u16s(struct buf *b, struct mls_u16s list)
{
    size_t mark = buf_begin_vec(b);

    for (size_t i = 0; i < list.n; i++)
        buf_put_u16(b, list.v[i]);
    buf_end_vec(b, mark);
}

void mls_required_capabilities_put(struct buf *body, struct mls_u16s extensions, struct mls_u16s proposals,
                                   struct mls_u16s credentials)
{
    mls_put_u16s(body, extensions);
    mls_put_u16s(body, proposals);
    mls_put_u16s(body, credentials);
}

bool mls_u16_list_has(struct slice list, uint16_t value)
{
    for (size_t i = 0; i + 1 < list.len; i += 2)
        if ((uint16_t)(list.data[i] << 8 | list.data[i + 1]) == value)
            return true;
    return false;
}

static struct slice read_u16s(struct reader *r)
{
    struct slice list = read_vec(r, MLS_VEC_MAX);

    if (list.len % 2)
        r->bad = true;
    return list;
}

/* Basic and X.509 credentials are both one vector; a credential of a type that nobody here knows
 * is taken to be one as well, as the format gives no other way to find its end. */
bool mls_parse_leaf(struct reader *r, struct mls_leaf *out)
{
    const uint8_t *start = r->at;
    struct mls_capabilities *caps = &out->capabilities;

    memset(out, 0, sizeof *out);
    out->encryption_key = read_vec(r, MLS_VEC_MAX);
    out->signature_key = read_vec(r, MLS_VEC_MAX);
    out->credential_type = read_u16(r);
    out->credential = read_vec(r, MLS_VEC_MAX);
    caps->versions = read_u16s(r);
    caps->suites = read_u16s(r);
    caps->extensions = read_u16s(r);
    caps->proposals = read_u16s(r);
    caps->credentials = read_u16s(r);
    out->source = read_u8(r);
    switch (out->source) {
    case MLS_LEAF_KEY_PACKAGE:
        out->not_before = read_u64(r);
        out->not_after = read_u64(r);
        break;
    case MLS_LEAF_UPDATE:
        break;
    case MLS_LEAF_COMMIT:
        out->parent_hash = read_vec(r, MLS_VEC_MAX);
        break;
    default:
        r->bad = true;
    }
    mls_parse_extensions(r, &out->extensions);
    out->tbs_len = r->bad ? 0 : (size_t)(r->at - start);
    out->signature = read_vec(r, MLS_VEC_MAX);
    out->raw = mls_since(start, r);
    return !r->bad;
}

static void put_leaf_fields(struct buf *b, const struct mls_leaf *leaf)
{
    const struct mls_capabilities *caps = &leaf->capabilities;

    buf_put_vec(b, leaf->encryption_key);
    buf_put_vec(b, leaf->signature_key);
    buf_put_u16(b, leaf->credential_type);
    buf_put_vec(b, leaf->credential);
    buf_put_vec(b, caps->versions);
    buf_put_vec(b, caps->suites);
    buf_put_vec(b, caps->extensions);
    buf_put_vec(b, caps->proposals);
    buf_put_vec(b, caps->credentials);
    buf_put_u8(b, leaf->source);
    if (leaf->source == MLS_LEAF_KEY_PACKAGE) {
        buf_put_u64(b, leaf->not_before);
        buf_put_u64(b, leaf->not_after);
    } else if (leaf->source == MLS_LEAF_COMMIT) {
        buf_put_vec(b, leaf->parent_hash);
    }
    buf_put_vec(b, leaf->extensions);
}

void mls_put_leaf(struct buf *b, const struct mls_leaf *leaf)
{
    put_leaf_fields(b, leaf);
    buf_put_vec(b, leaf->signature);
}

void mls_put_leaf_tbs(struct buf *b, const struct mls_leaf *leaf, struct slice group_id, uint32_t leaf_index)
{
    put_leaf_fields(b, leaf);
    if (leaf->source != MLS_LEAF_KEY_PACKAGE) {
        buf_put_vec(b, group_id);
        buf_put_u32(b, leaf_index);
    }
}

int mls_leaf_verify(const struct mls_leaf *leaf, struct slice group_id, uint32_t leaf_index)
{
    struct buf b = BUF_INIT;
    int r;

    buf_put(&b, leaf->raw.data, leaf->tbs_len);
    if (leaf->source != MLS_LEAF_KEY_PACKAGE) {
        buf_put_vec(&b, group_id);
        buf_put_u32(&b, leaf_index);
    }
    r = buf_ok(&b) ? mls_verify_with_label(leaf->signature_key, "LeafNodeTBS", buf_slice(&b), leaf->signature)
                   : ERR_NOMEM;
    buf_free(&b);
    return r;
}
