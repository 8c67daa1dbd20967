/* Past epochs: what is kept so that late application messages can be read. */
#include "base/alloc.h"
#include "base/err.h"
#include "mls/group.h"
#include "mls/state.h"

static int load_epoch(struct mls_group *g, struct mls_epoch *p, struct err *err)
{
    int e = g->has_source ? mls_state_load_epoch(g, p, err) : ERR_NOTFOUND;

    if (e == 0)
        p->loaded = true;
    return e;
}

struct mls_epoch *mls_group_past_epoch(struct mls_group *g, uint64_t epoch, int *e, struct err *err)
{
    *e = 0;
    for (uint32_t i = 0; i < g->past_n; i++) {
        if (g->past[i]->epoch != epoch)
            continue;
        if (!g->past[i]->loaded && (*e = load_epoch(g, g->past[i], err)) != 0)
            return NULL;
        return g->past[i];
    }
    return NULL;
}

/* The first epoch from then on that remembers the leaf knows who was there; if none does, it is
 * still the same. */
const struct mls_node *mls_group_past_node(struct mls_group *g, struct mls_epoch *epoch, uint32_t leaf, int *e,
                                           struct err *err)
{
    *e = 0;
    for (uint32_t i = 0; i < g->past_n; i++) {
        struct mls_epoch *p = g->past[i];

        if (p->epoch < epoch->epoch)
            continue;
        if (!p->loaded && (*e = load_epoch(g, p, err)) != 0)
            return NULL;
        for (uint32_t j = 0; j < p->leaves_n; j++)
            if (p->leaves[j].leaf == leaf)
                return p->leaves[j].node;
    }
    return leaf < g->tree.width ? mls_tree_node(&g->tree, 2 * leaf) : NULL;
}
