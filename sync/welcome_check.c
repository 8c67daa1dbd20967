#include "sync/welcome_check.h"

#include "base/alloc.h"
#include "base/err.h"
#include "mls/mls.h"
#include "sync/core.h"
#include "sync/group.h"
#include "sync/inboxes.h"
#include "sync/installation_set.h"

#include <string.h>

static int load_logs(struct core *core, const struct group_membership *m, struct err *err)
{
    struct inbox_at *at = xm_calloc(m->n_members + 1, sizeof *at);
    int r = 0;

    if (!at)
        return err_set(err, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < m->n_members; i++)
        at[i] = (struct inbox_at){m->members[i].inbox_id, m->members[i].sequence_id};
    if (!inbox_has_all(core, at, m->n_members))
        r = inbox_load_missing(core, at, m->n_members, err);
    xm_free(at);
    return r;
}

static int expected_installations(struct core *core, const struct group_membership *m,
                                  struct installation_set *expected, struct err *err)
{
    struct installation_set none = {0};
    int r = 0;

    for (size_t i = 0; r == 0 && i < m->n_members; i++) {
        /* The placeholder 0 of a group whose creator has not committed yet: libxmtp refuses it. */
        if (m->members[i].sequence_id == 0)
            r = err_set(err, ERR_DENIED, "a member stands at sequence id 0");
        else
            r = inbox_diff(core, m->members[i].inbox_id, 0, m->members[i].sequence_id, expected, &none, err);
    }
    installation_set_free(&none);
    return r;
}

int welcome_check_members(struct core *core, const struct mls_group *mls, const struct group_membership *m,
                          struct err *err)
{
    struct installation_set expected = {0}, seen = {0};
    char inbox[65];
    int r;

    if ((r = load_logs(core, m, err)) != 0 || (r = expected_installations(core, m, &expected, err)) != 0)
        goto done;
    for (uint32_t i = 0; i < mls_group_leaf_count(mls); i++) {
        const struct mls_leaf *leaf = mls_group_leaf(mls, i);
        if (!leaf)
            continue;
        r = ERR_DENIED;
        if (leaf->signature_key.len != 32 || leaf_inbox(leaf, inbox) != 0 ||
            !group_membership_find(m, inbox)) {
            err_set(err, r, "a leaf of somebody who is not listed");
            goto done;
        }
        if (installation_set_has(&seen, leaf->signature_key.data)) {
            err_set(err, r, "an installation with two leaves");
            goto done;
        }
        if ((r = installation_set_add(&seen, leaf->signature_key.data, inbox)) != 0)
            goto done;
    }
    for (size_t i = 0; r == 0 && i < seen.n; i++) {
        bool found = false;
        for (size_t k = 0; k < expected.n && !found; k++)
            found = memcmp(expected.at[k].id, seen.at[i].id, 32) == 0 &&
                    strcmp(expected.at[k].inbox_id, seen.at[i].inbox_id) == 0;
        if (!found)
            r = err_set(err, ERR_DENIED, "a leaf that its inbox does not have");
    }
    for (size_t k = 0; r == 0 && k < expected.n; k++)
        if (!installation_set_has(&seen, expected.at[k].id) && !group_membership_failed(m, expected.at[k].id))
            r = err_set(err, ERR_DENIED, "an installation of a member has no leaf");
done:
    installation_set_free(&expected);
    installation_set_free(&seen);
    return r;
}

static bool is_one_of(const struct group_immutable *im, const char *inbox)
{
    return (im->dm_one && strcmp(im->dm_one, inbox) == 0) || (im->dm_two && strcmp(im->dm_two, inbox) == 0);
}

int welcome_check_dm(const struct group_extensions *ext, const char *adder, const char *self, struct err *err)
{
    const struct group_immutable *im = &ext->immutable;
    struct policy_set dm;
    bool all_differ;

    if (!im->dm_one || !im->dm_two || !is_one_of(im, self))
        return err_set(err, ERR_DENIED, "a 1:1 chat that is not with us");
    if (strcmp(adder, self) == 0)
        return 0;
    if (!is_one_of(im, adder) || strcmp(im->dm_one, im->dm_two) == 0)
        return err_set(err, ERR_DENIED, "a 1:1 chat between others than its sender and us");
    if (ext->mutable_.admins.n > 0 || ext->mutable_.super_admins.n > 0)
        return err_set(err, ERR_DENIED, "a 1:1 chat with admins");
    if (policy_set_preset(PRESET_DM, &dm) != 0)
        return err_set(err, ERR_NOMEM, "out of memory");
    all_differ = !policy_eq(&dm.add_member, &ext->policies.add_member) &&
                 !policy_eq(&dm.remove_member, &ext->policies.remove_member) &&
                 !policy_eq(&dm.add_admin, &ext->policies.add_admin) &&
                 !policy_eq(&dm.remove_admin, &ext->policies.remove_admin) &&
                 !policy_eq(&dm.update_permissions, &ext->policies.update_permissions);
    policy_set_free(&dm);
    return all_differ ? err_set(err, ERR_DENIED, "a 1:1 chat with the permissions of a group") : 0;
}

bool welcome_is_trusted_sync(const struct group_extensions *ext, const char *adder, const char *self)
{
    return ext->immutable.type == CONVERSATION_SYNC && strcmp(ext->immutable.creator_inbox_id, self) == 0 &&
           strcmp(adder, self) == 0 && ext->membership.n_members == 1 &&
           strcmp(ext->membership.members[0].inbox_id, self) == 0;
}
