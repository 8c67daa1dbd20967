/* Changes that people ask for, each one commit. */
#include "sync/group_update.h"

#include "base/err.h"
#include "base/i18n.h"
#include "base/log.h"
#include "store/groups.h"
#include "store/removals.h"
#include "sync/commit_build.h"
#include "sync/content.h"
#include "sync/core.h"
#include "sync/group.h"
#include "sync/group_ids.h"
#include "sync/intents.h"
#include "sync/membership.h"
#include "sync/membership_locked.h"
#include "sync/send.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The first commit of a group has to bring our inbox to its real place in the log, whatever else was
 * wanted (groups.md 3.6). */
static int settle(struct core *core, struct group *g, struct err *err)
{
    const struct group_member_at *own;
    int r = group_read_extensions(core, g, err);

    if (r != 0)
        return r;
    own = group_membership_find(&g->ext.membership, core->self.inbox_id);
    return own && own->sequence_id == 0 ? check_installations_locked(core, g, err) : 0;
}

static int run(struct core *core, const uint8_t id[16], bool dm_too, enum store_intent_kind kind,
               const struct buf *data, struct err *err)
{
    struct group *g;
    int r;

    if (!buf_ok(data))
        return err_set(err, ERR_NOMEM, "out of memory");
    if ((r = group_open(core, id, &g, err)) != 0)
        return r;
    r = group_check_active(g, err);
    if (r == 0 && g->type == CONVERSATION_DM && !dm_too)
        r = err_set(err, ERR_INVALID, "%s", _("this cannot be changed in a 1:1 chat"));
    if (r == 0 && (r = settle(core, g, err)) == 0)
        r = intent_run(core, g, kind, buf_slice(data), INTENT_IN_TURN, err);
    group_close(core, g);
    return r;
}

int group_update_attribute(struct core *core, const uint8_t id[16], const char *field, const char *value,
                           struct err *err)
{
    bool dm_too = strcmp(field, ATTR_DISAPPEAR_FROM) == 0 || strcmp(field, ATTR_DISAPPEAR_IN) == 0;
    size_t limit = group_attr_limit(field);
    struct buf data = BUF_INIT;
    int r;

    if (limit > 0 && strlen(value) > limit)
        return err_set(err, ERR_INVALID, _("%s has %zu bytes, at most %zu are allowed"), field, strlen(value), limit);
    metadata_intent_write(field, value, &data);
    r = run(core, id, dm_too, STORE_INTENT_METADATA_UPDATE, &data, err);
    buf_free(&data);
    return r;
}

int group_update_disappearing(struct core *core, const uint8_t id[16], int64_t from_ns, int64_t in_ns,
                              struct err *err)
{
    char from[24], in[24];
    int r;

    snprintf(from, sizeof from, "%" PRId64, from_ns);
    snprintf(in, sizeof in, "%" PRId64, in_ns);
    if ((r = group_update_attribute(core, id, ATTR_DISAPPEAR_FROM, from, err)) != 0)
        return r;
    return group_update_attribute(core, id, ATTR_DISAPPEAR_IN, in, err);
}

int group_update_admin(struct core *core, const uint8_t id[16], enum admin_action action, const char *inbox_id,
                       struct err *err)
{
    struct buf data = BUF_INIT;
    int r;

    admin_intent_write(action, inbox_id, &data);
    r = run(core, id, false, STORE_INTENT_UPDATE_ADMIN_LIST, &data, err);
    buf_free(&data);
    return r;
}

int group_update_permission(struct core *core, const uint8_t id[16], enum permission_target target,
                            const char *field, enum policy_base option, struct err *err)
{
    struct buf data = BUF_INIT;
    int r;

    permission_intent_write(target, field, option, &data);
    r = run(core, id, false, STORE_INTENT_UPDATE_PERMISSION, &data, err);
    buf_free(&data);
    return r;
}

int group_update_key(struct core *core, const uint8_t id[16], struct err *err)
{
    struct buf none = BUF_INIT;

    return run(core, id, true, STORE_INTENT_KEY_UPDATE, &none, err);
}

/* ---- leaving ---- */

static int may_leave(struct core *core, const uint8_t id[16], struct err *err)
{
    struct group *g;
    int r;

    if ((r = group_open(core, id, &g, err)) != 0)
        return r;
    if ((r = group_read_extensions(core, g, err)) != 0)
        goto done;
    if (g->type != CONVERSATION_GROUP)
        r = err_set(err, ERR_INVALID, "%s", _("only groups can be left: block the person instead"));
    else if (g->ext.membership.n_members < 2)
        r = err_set(err, ERR_INVALID, "%s", _("you are alone in this group"));
    else if (inbox_list_has(&g->ext.mutable_.super_admins, core->self.inbox_id))
        r = err_set(err, ERR_INVALID, "%s", _("a super admin cannot leave: hand the role over first"));
done:
    group_close(core, g);
    return r;
}

static int list_leaver(void *ctx, struct slice group_id, const char *inbox_id)
{
    (void)group_id;
    return inbox_list_add(ctx, inbox_id);
}

/* Known to have asked: the request was in the ledger, and we are still in. */
static int has_asked(struct core *core, const uint8_t id[16], bool *yes, struct err *err)
{
    struct inbox_list leavers = {0};
    int r = store_leaves_each(core->store, slice_of(id, 16), list_leaver, &leavers, err);

    *yes = inbox_list_has(&leavers, core->self.inbox_id);
    inbox_list_free(&leavers);
    return r;
}

int group_leave(struct core *core, const uint8_t id[16], struct err *err)
{
    struct bytes content = {0};
    enum send_status status;
    uint8_t message[32];
    bool asked = false;
    int r;

    if ((r = may_leave(core, id, err)) != 0 || (r = has_asked(core, id, &asked, err)) != 0 || asked ||
        (r = content_leave_request(&content, err)) != 0)
        return r;
    r = group_send(core, id, bytes_slice(&content), NULL, message, &status, err);
    bytes_free(&content);
    if (r == 0)
        r = store_group_set_membership(core->store, slice_of(id, 16), STORE_MEMBER_PENDING_REMOVE, err);
    return r;
}

int group_remove_leavers(struct core *core, const uint8_t id[16], struct err *err)
{
    struct inbox_list leavers = {0};
    struct group *g = NULL;
    bool ours = false;
    int r;

    if ((r = store_leaves_each(core->store, slice_of(id, 16), list_leaver, &leavers, err)) != 0 || leavers.n == 0 ||
        (r = group_open(core, id, &g, err)) != 0)
        goto done;
    if ((r = group_read_extensions(core, g, err)) == 0) {
        ours = inbox_list_has(&g->ext.mutable_.super_admins, core->self.inbox_id) &&
               !inbox_list_has(&leavers, core->self.inbox_id);
        /* A super admin cannot be taken out (groups.md 5.3): everybody would refuse the commit as a whole. */
        for (size_t i = leavers.n; i-- > 0;)
            if (!group_membership_find(&g->ext.membership, leavers.ids[i]) ||
                inbox_list_has(&g->ext.mutable_.super_admins, leavers.ids[i]))
                inbox_list_remove(&leavers, leavers.ids[i]);
    }
    group_close(core, g);
    if (r == 0 && ours && leavers.n > 0)
        r = group_remove_members(core, id, (const char *const *)leavers.ids, leavers.n, err);
done:
    inbox_list_free(&leavers);
    return r;
}

static int list_group(void *ctx, struct slice group_id, const char *inbox_id)
{
    struct group_ids *list = ctx;

    (void)inbox_id; /* one for each who asked, those of a group in a row */
    if (group_id.len != 16 || (list->n > 0 && memcmp(list->at[list->n - 1], group_id.data, 16) == 0))
        return 0;
    return group_ids_add(list, group_id);
}

int groups_remove_leavers(struct core *core, struct err *err)
{
    struct group_ids list = {0};
    struct err why = {0};
    int r = store_leaves_each(core->store, slice_of(NULL, 0), list_group, &list, err), one;

    for (size_t i = 0; i < list.n && r == 0 && !core->closing; i++) {
        if ((one = group_remove_leavers(core, list.at[i], &why)) == 0 || one == ERR_STATE)
            continue; /* done, somebody else's to do, or a group that we are out of */
        log_warn("groups", "taking out somebody who asked for it: %s", why.text);
        if (one == ERR_OFFLINE || one == ERR_CANCELED)
            r = err_set(err, one, "%s", why.text);
    }
    group_ids_free(&list);
    return r;
}
