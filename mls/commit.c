/* Commits and update paths on the wire (RFC 9420 sections 7.6 and 12.4). */
#include "mls/codec.h"

#include <string.h>

enum { INLINE_PROPOSAL = 1, PROPOSAL_REFERENCE = 2 }; /* ProposalOrRefType */

static bool parse_path_node(struct reader *r, struct mls_path_node *out)
{
    struct reader list;
    struct mls_hpke_ciphertext ct;

    out->encryption_key = read_vec(r, MLS_VEC_MAX);
    out->secrets = read_vec(r, MLS_VEC_MAX);
    list = reader_of(out->secrets);
    while (reader_left(&list) && mls_parse_hpke_ciphertext(&list, &ct))
        continue;
    if (list.bad)
        r->bad = true;
    return !r->bad;
}

bool mls_next_path_node(struct slice *nodes, struct mls_path_node *out)
{
    struct reader r = reader_of(*nodes);

    if (!nodes->len || !parse_path_node(&r, out))
        return false;
    *nodes = slice_of(r.at, reader_left(&r));
    return true;
}

uint32_t mls_count_ciphertexts(struct slice secrets)
{
    struct reader r = reader_of(secrets);
    struct mls_hpke_ciphertext ct;
    uint32_t n = 0;

    while (reader_left(&r) && mls_parse_hpke_ciphertext(&r, &ct))
        n++;
    return n;
}

bool mls_parse_update_path(struct reader *r, struct mls_update_path *out)
{
    struct mls_path_node node;
    struct reader list;

    mls_parse_leaf(r, &out->leaf);
    out->nodes = read_vec(r, MLS_VEC_MAX);
    out->nodes_n = 0;
    list = reader_of(out->nodes);
    while (reader_left(&list) && parse_path_node(&list, &node))
        out->nodes_n++;
    if (list.bad)
        r->bad = true;
    return !r->bad;
}

void mls_put_update_path(struct buf *b, const struct mls_update_path *path)
{
    mls_put_leaf(b, &path->leaf);
    buf_put_vec(b, path->nodes);
}

static bool parse_proposal_or_ref(struct reader *r, struct mls_proposal_or_ref *out)
{
    uint8_t type = read_u8(r);

    memset(out, 0, sizeof *out);
    switch (type) {
    case INLINE_PROPOSAL:
        return mls_parse_proposal(r, &out->proposal);
    case PROPOSAL_REFERENCE:
        out->is_ref = true;
        out->ref = read_vec(r, MLS_VEC_MAX);
        return !r->bad;
    default:
        r->bad = true;
        return false;
    }
}

bool mls_next_proposal(struct slice *list, struct mls_proposal_or_ref *out)
{
    struct reader r = reader_of(*list);

    if (!list->len || !parse_proposal_or_ref(&r, out))
        return false;
    *list = slice_of(r.at, reader_left(&r));
    return true;
}

bool mls_parse_commit(struct reader *r, struct mls_commit *out)
{
    struct mls_proposal_or_ref p;
    struct reader list;

    memset(out, 0, sizeof *out);
    out->proposals = read_vec(r, MLS_VEC_MAX);
    list = reader_of(out->proposals);
    while (reader_left(&list) && parse_proposal_or_ref(&list, &p))
        continue;
    if (list.bad)
        r->bad = true;
    out->has_path = mls_read_optional(r);
    if (out->has_path)
        mls_parse_update_path(r, &out->path);
    return !r->bad;
}

void mls_put_commit(struct buf *b, const struct mls_commit *commit)
{
    buf_put_vec(b, commit->proposals);
    buf_put_u8(b, commit->has_path);
    if (commit->has_path)
        mls_put_update_path(b, &commit->path);
}
