/* Expected differences from the identity logs, key packages from the node, leaves from the tree. */
#include "sync/membership_plan.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/i18n.h"
#include "base/log.h"
#include "identity/key_package.h"
#include "mls/mls.h"
#include "sync/commit_build.h"
#include "sync/commit_validate.h"
#include "sync/core.h"
#include "sync/group.h"
#include "sync/inboxes.h"
#include "sync/installation_set.h"
#include "sync/welcome_send.h"

#include <string.h>

struct planning {
    struct core *core;
    struct group *g;
    const struct membership_intent *intent;
    struct membership_plan *plan;
    struct installation_set added, removed;
    struct mls_key_package *taken; /* views of those in plan->adds */
    struct err *err;
};

/* New membership = old + updates - removed; failed lists united. */
static int new_membership(struct planning *p)
{
    struct group_membership *m = &p->plan->membership;
    const struct group_membership *u = &p->intent->updates;

    if (group_membership_dup(&p->g->ext.membership, m) != 0)
        return ERR_NOMEM;
    for (size_t i = 0; i < u->n_members; i++) {
        const struct group_member_at *now = group_membership_find(m, u->members[i].inbox_id);
        /* Somebody else may have gone further meanwhile. */
        if (now && now->sequence_id >= u->members[i].sequence_id)
            continue;
        if (group_membership_set(m, u->members[i].inbox_id, u->members[i].sequence_id) != 0)
            return ERR_NOMEM;
    }
    for (size_t i = 0; i < u->n_failed; i++)
        if (group_membership_add_failed(m, u->failed[i]) != 0)
            return ERR_NOMEM;
    for (size_t i = 0; i < p->intent->removed.n; i++)
        group_membership_drop(m, p->intent->removed.ids[i]);
    return 0;
}

static int add_diff(void *ctx, const char *inbox_id, uint64_t from, uint64_t to, bool was, bool is)
{
    struct planning *p = ctx;

    (void)was;
    (void)is;
    p->plan->nothing = false;
    return inbox_diff(p->core, inbox_id, from, to, &p->added, &p->removed, p->err);
}

static void drop_failed(struct group_membership *m, const uint8_t id[32])
{
    for (size_t i = m->n_failed; i-- > 0;)
        if (memcmp(m->failed[i], id, 32) == 0) {
            memmove(m->failed[i], m->failed[i + 1], (m->n_failed - i - 1) * 32);
            m->n_failed--;
        }
}

static int plan_removes(struct planning *p)
{
    struct membership_plan *plan = p->plan;

    plan->removes = xm_calloc(p->removed.n + 1, sizeof *plan->removes);
    if (!plan->removes)
        return err_set(p->err, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < p->removed.n; i++) {
        const uint8_t *id = p->removed.at[i].id;
        uint32_t leaf;
        /* Where it has a leaf after all: nobody accepts the removal of an installation that is listed. */
        drop_failed(&plan->membership, id);
        if (!mls_group_find_leaf(p->g->mls, slice_of(id, 32), &leaf))
            continue;
        if (leaf == mls_group_own_leaf_index(p->g->mls)) {
            plan->nothing = true; /* nobody removes himself */
            return 0;
        }
        plan->removes[plan->n_removes++] = leaf;
    }
    return 0;
}

/* Installations to be fetched: expected, not ours, and without a leaf. */
static void forget_present(struct planning *p)
{
    for (size_t i = p->added.n; i-- > 0;) {
        uint8_t id[32];
        uint32_t leaf;
        memcpy(id, p->added.at[i].id, 32);
        if (memcmp(id, p->core->self.installation_id, 32) == 0 ||
            mls_group_find_leaf(p->g->mls, slice_of(id, 32), &leaf))
            installation_set_remove(&p->added, id);
    }
}

/* One fetched key package; a bad one leaves its installation out. */
static int take_package(struct planning *p, const struct installation *who, struct slice data)
{
    struct membership_plan *plan = p->plan;
    uint64_t now_s = (uint64_t)(core_now_ns(p->core) / NS_PER_S);
    struct key_package_view view;
    struct err why = {0};
    int r = key_package_check(data, slice_of(who->id, 32), slice_str(who->inbox_id), now_s, &view, NULL, &why);

    if (r == 0)
        r = mls_group_can_add(p->g->mls, &view.mls, p->taken, plan->n_adds, plan->removes, plan->n_removes, &why);
    if (r == ERR_NOMEM)
        return err_set(p->err, r, "out of memory");
    if (r != 0) {
        log_warn("membership", "an installation of inbox %.16s cannot be added: %s", who->inbox_id, why.text);
        return group_membership_add_failed(&plan->membership, who->id) == 0
                   ? 0
                   : err_set(p->err, ERR_NOMEM, "out of memory");
    }
    drop_failed(&plan->membership, who->id); /* that is over */
    plan->adds[plan->n_adds] = data;
    p->taken[plan->n_adds] = view.mls;
    memcpy(plan->invitees[plan->n_adds].installation_id, who->id, 32);
    plan->invitees[plan->n_adds].wrapper_algorithm = WELCOME_WRAPPER_X25519;
    plan->invitees[plan->n_adds].wrapper_key = view.mls.init_key;
    plan->n_adds++;
    return 0;
}

static int fetch_packages(struct planning *p)
{
    struct membership_plan *plan = p->plan;
    struct slice *keys;
    int r;

    if (p->added.n == 0)
        return 0;
    if (!p->core->api)
        return err_set(p->err, ERR_OFFLINE, "offline: key packages are not fetched");
    keys = xm_calloc(p->added.n, sizeof *keys);
    plan->adds = xm_calloc(p->added.n, sizeof *plan->adds);
    plan->invitees = xm_calloc(p->added.n, sizeof *plan->invitees);
    p->taken = xm_calloc(p->added.n, sizeof *p->taken);
    if (!keys || !plan->adds || !plan->invitees || !p->taken) {
        r = err_set(p->err, ERR_NOMEM, "out of memory");
        goto done;
    }
    for (size_t i = 0; i < p->added.n; i++)
        keys[i] = slice_of(p->added.at[i].id, 32);
    if ((r = node_fetch_key_packages(p->core->api, keys, p->added.n, &plan->packages, p->err)) != 0)
        goto done;
    if (plan->packages.count != p->added.n) {
        r = err_set(p->err, ERR_REMOTE, "%zu key packages for %zu installations", plan->packages.count, p->added.n);
        goto done;
    }
    for (size_t i = 0; r == 0 && i < p->added.n; i++)
        r = take_package(p, &p->added.at[i], plan->packages.packages[i]);
done:
    xm_free(keys);
    xm_free(p->taken);
    p->taken = NULL;
    return r;
}

static bool inbox_got_an_add(const struct planning *p, const char *inbox_id)
{
    for (size_t i = 0; i < p->added.n; i++)
        if (strcmp(p->added.at[i].inbox_id, inbox_id) == 0 &&
            !group_membership_failed(&p->plan->membership, p->added.at[i].id))
            return true;
    return false;
}

/* A new inbox none of whose installations can be added is not written into the list: a member without
 * a device would stay for ever.  If that is true of everybody who was to be added, the call fails. */
static int drop_phantoms(struct planning *p)
{
    struct membership_plan *plan = p->plan;
    size_t wanted = 0, dropped = 0;

    for (size_t i = 0; i < p->intent->updates.n_members; i++) {
        const char *inbox = p->intent->updates.members[i].inbox_id;
        if (group_membership_find(&p->g->ext.membership, inbox))
            continue;
        wanted++;
        if (inbox_got_an_add(p, inbox))
            continue;
        for (size_t k = 0; k < p->added.n; k++)
            if (strcmp(p->added.at[k].inbox_id, inbox) == 0)
                drop_failed(&plan->membership, p->added.at[k].id);
        group_membership_drop(&plan->membership, inbox);
        dropped++;
    }
    if (wanted > 0 && dropped == wanted)
        return err_set(p->err, ERR_NOTFOUND, "%s",
                       _("none of the installations to be added can be reached: their key packages are missing or bad"));
    return 0;
}

int membership_plan_make(struct core *core, struct group *g, const struct membership_intent *intent,
                         struct membership_plan *out, struct err *err)
{
    struct membership_plan plan = {.nothing = true};
    struct planning p = {.core = core, .g = g, .intent = intent, .plan = &plan, .err = err};
    int r;

    if (new_membership(&p) != 0) {
        r = err_set(err, ERR_NOMEM, "out of memory");
        goto done;
    }
    if ((r = membership_changes(&g->ext.membership, &plan.membership, add_diff, &p)) != 0 || plan.nothing ||
        (r = plan_removes(&p)) != 0 || plan.nothing)
        goto done;
    forget_present(&p);
    if ((r = fetch_packages(&p)) != 0 || (r = drop_phantoms(&p)) != 0)
        goto done;
    *out = plan;
    plan = (struct membership_plan){0};
done:
    if (r == 0 && plan.nothing)
        out->nothing = true;
    membership_plan_free(&plan);
    installation_set_free(&p.added);
    installation_set_free(&p.removed);
    return r;
}

int membership_plan_welcomes(const struct membership_plan *plan, struct slice welcome, struct bytes *out,
                             struct err *err)
{
    struct buf b = BUF_SECRET;
    int r;

    welcome_batch_write(welcome, plan->invitees, plan->n_adds, &b);
    r = buf_take(&b, out);
    buf_free(&b);
    return r == 0 ? 0 : err_set(err, r, "out of memory");
}

void membership_plan_free(struct membership_plan *plan)
{
    group_membership_free(&plan->membership);
    xm_free(plan->adds);
    xm_free(plan->invitees);
    xm_free(plan->removes);
    node_key_packages_free(&plan->packages);
    *plan = (struct membership_plan){0};
}
