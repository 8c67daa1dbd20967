/* The ratchet_tree extension (RFC 9420 section 12.4.3.3): optional nodes in index order, without
 * the blanks at the end. */
#include "base/err.h"
#include "mls/codec.h"
#include "mls/tree.h"

enum { NODE_LEAF = 1, NODE_PARENT = 2 };

/* One optional<Node> for index x; *out is NULL for a blank. */
static int parse_node(struct reader *r, uint32_t x, struct mls_node **out)
{
    const uint8_t *start;
    struct mls_leaf leaf;
    uint8_t type;

    *out = NULL;
    if (!mls_read_optional(r))
        return r->bad ? ERR_MALFORMED : 0;
    type = read_u8(r);
    start = r->at;
    if (type == NODE_LEAF && x % 2 == 0) {
        mls_parse_leaf(r, &leaf);
    } else if (type == NODE_PARENT && x % 2 == 1) {
        read_vec(r, MLS_VEC_MAX);
        read_vec(r, MLS_VEC_MAX);
        if (read_vec(r, MLS_VEC_MAX).len % 4)
            r->bad = true;
    } else {
        r->bad = true;
    }
    if (r->bad)
        return ERR_MALFORMED;
    *out = type == NODE_LEAF ? mls_node_from_leaf(mls_since(start, r)) : mls_node_from_parent(mls_since(start, r));
    return *out ? 0 : ERR_NOMEM;
}

/* The tree doubles whenever the next node lies beyond it, so that its size follows the bytes that
 * really came.  *why: what to add to the error's sentence. */
static int parse_all(struct reader *r, uint32_t max_leaves, struct mls_tree *tree, const char **why)
{
    struct mls_node *n = NULL;
    int e;

    for (uint32_t x = 0; reader_left(r); x++) {
        if ((e = parse_node(r, x, &n)) != 0)
            return e;
        if (x >= mls_node_width(tree->width)) {
            uint32_t width = tree->width ? tree->width * 2 : 1;

            e = width > max_leaves ? ERR_TOOBIG : mls_tree_resize(tree, width);
            if (e) {
                mls_node_unref(n);
                return e;
            }
        }
        if (!reader_left(r) && !n) {
            *why = " that ends in a blank node";
            return ERR_MALFORMED;
        }
        if (n && (e = mls_tree_set(tree, x, n)) != 0)
            return e;
    }
    return r->bad || !tree->width ? ERR_MALFORMED : 0;
}

int mls_tree_parse(struct slice nodes, uint32_t max_leaves, struct mls_tree *out, struct err *err)
{
    struct reader r = reader_of(nodes);
    struct mls_tree tree = {0};
    const char *why = "";
    int e = parse_all(&r, max_leaves, &tree, &why);

    if (e) {
        mls_tree_free(&tree);
        return err_set(err, e, "ratchet tree of %zu bytes%s", nodes.len, why);
    }
    *out = tree;
    return 0;
}

void mls_tree_put(struct buf *b, const struct mls_tree *tree)
{
    uint32_t end = mls_node_width(tree->width);

    while (end && !mls_tree_node(tree, end - 1))
        end--;
    for (uint32_t x = 0; x < end; x++) {
        const struct mls_node *n = mls_tree_node(tree, x);

        buf_put_u8(b, n != NULL);
        if (!n)
            continue;
        buf_put_u8(b, n->is_leaf ? NODE_LEAF : NODE_PARENT);
        buf_put_slice(b, mls_node_raw(n));
    }
}
