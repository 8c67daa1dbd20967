/* The rules of groups.md 4.3, in its order.  Sets of installations are small arrays: a commit names
 * tens of them, a few thousand at the very most. */
#include "sync/commit_validate.h"

#include "base/alloc.h"
#include "base/err.h"
#include "proto/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool err_is_transient(int code)
{
    switch (code) {
    case ERR_NOMEM:
    case ERR_IO:
    case ERR_OFFLINE:
    case ERR_CANCELED:
    case ERR_REMOTE:
    case ERR_CONFLICT:
    case ERR_LOCKED:
        return true;
    default:
        return false;
    }
}

/* A version as libxmtp 1.9 and 1.10 take it apart: three numbers of 32 bits between points, the last one
 * with a suffix between the first hyphen and the second. */
struct version {
    uint32_t part[3];
    bool has_suffix;
    struct slice suffix;
};

static bool read_number(const char **at, uint32_t *out)
{
    const char *p = *at + (**at == '+'); /* Rust reads a plus */
    uint64_t n = 0;

    if (*p < '0' || *p > '9')
        return false;
    for (; *p >= '0' && *p <= '9'; p++)
        if ((n = n * 10 + (uint64_t)(*p - '0')) > UINT32_MAX)
            return false;
    *out = (uint32_t)n;
    *at = p;
    return true;
}

static bool read_version(const char *text, struct version *out)
{
    const char *end;

    *out = (struct version){0};
    for (int i = 0; i < 3; i++)
        if (!read_number(&text, &out->part[i]) || (i < 2 && *text++ != '.'))
            return false;
    if (*text == '\0')
        return true;
    if (*text++ != '-' || strchr(text, '.')) /* a fourth part */
        return false;
    end = strchr(text, '-');
    out->has_suffix = true;
    out->suffix = slice_of(text, end ? (size_t)(end - text) : strlen(text));
    return true;
}

int version_compare(const char *a, const char *b, int *cmp)
{
    struct version x, y;

    if (!read_version(a, &x) || !read_version(b, &y))
        return ERR_MALFORMED;
    *cmp = 0;
    for (int i = 0; i < 3 && *cmp == 0; i++)
        *cmp = x.part[i] < y.part[i] ? -1 : x.part[i] > y.part[i];
    if (*cmp == 0)
        *cmp = (int)x.has_suffix - (int)y.has_suffix;
    if (*cmp == 0)
        *cmp = slice_cmp(x.suffix, y.suffix);
    return 0;
}

int membership_changes(const struct group_membership *before, const struct group_membership *after,
                       int (*each)(void *ctx, const char *inbox_id, uint64_t from, uint64_t to, bool was, bool is),
                       void *ctx)
{
    int r;

    for (size_t i = 0; i < after->n_members; i++) {
        const struct group_member_at *now = &after->members[i];
        const struct group_member_at *then = group_membership_find(before, now->inbox_id);
        if (then && then->sequence_id == now->sequence_id)
            continue;
        if ((r = each(ctx, now->inbox_id, then ? then->sequence_id : 0, now->sequence_id, then != NULL, true)) != 0)
            return r;
    }
    for (size_t i = 0; i < before->n_members; i++) {
        const struct group_member_at *then = &before->members[i];
        if (!group_membership_find(after, then->inbox_id) &&
            (r = each(ctx, then->inbox_id, then->sequence_id, 0, true, false)) != 0)
            return r;
    }
    return 0;
}

/* What one validation works on. */
struct work {
    const struct commit_view *view;
    const struct commit_lookups *lookups;
    struct group_mutable new_mutable;
    struct group_membership new_membership;
    struct policy_set new_policies;
    struct installation_set added, removed;                   /* by the proposals */
    struct installation_set expected_added, expected_removed; /* by the identity logs */
    struct actor_rank rank;
    struct commit_outcome out;
    struct err *err;
};

/* ---- metadata (steps 1 to 4) ---- */

static int add_change(struct commit_outcome *out, const char *field, const char *old_value, const char *new_value)
{
    struct field_change *grown = xm_realloc(out->fields, out->n_fields + 1, sizeof *grown);
    struct field_change *c;

    if (!grown)
        return ERR_NOMEM;
    out->fields = grown;
    c = &grown[out->n_fields++];
    *c = (struct field_change){xm_strdup(field), old_value ? xm_strdup(old_value) : NULL,
                               new_value ? xm_strdup(new_value) : NULL};
    return !c->field || (old_value && !c->old_value) || (new_value && !c->new_value) ? ERR_NOMEM : 0;
}

static int compare_attributes(struct work *w)
{
    const struct group_mutable *before = &w->view->old->mutable_, *after = &w->new_mutable;
    int r;

    for (size_t i = 0; i < after->n_attrs; i++) {
        const char *old_value = group_attr_get(before, after->attrs[i].key);
        if (old_value && strcmp(old_value, after->attrs[i].value) == 0)
            continue;
        if ((r = add_change(&w->out, after->attrs[i].key, old_value, after->attrs[i].value)) != 0)
            return err_set(w->err, r, "out of memory");
    }
    for (size_t i = 0; i < before->n_attrs; i++)
        if (!group_attr_get(after, before->attrs[i].key) &&
            (r = add_change(&w->out, before->attrs[i].key, before->attrs[i].value, NULL)) != 0)
            return err_set(w->err, r, "out of memory");
    for (size_t i = 0; i < w->out.n_fields; i++) {
        const struct field_change *c = &w->out.fields[i];
        size_t limit = group_attr_limit(c->field);
        if (limit > 0 && c->new_value && proto_string_len(c->new_value) > limit)
            return err_set(w->err, ERR_TOOBIG, "attribute %s has %zu bytes, the limit is %zu", c->field,
                           proto_string_len(c->new_value), limit);
    }
    return 0;
}

/* Entries of `after` that `before` lacks go to *added, the other way round to *removed. */
static int compare_lists(const struct inbox_list *before, const struct inbox_list *after, struct inbox_list *added,
                         struct inbox_list *removed)
{
    for (size_t i = 0; i < after->n; i++)
        if (!inbox_list_has(before, after->ids[i]) && inbox_list_add(added, after->ids[i]) != 0)
            return ERR_NOMEM;
    for (size_t i = 0; i < before->n; i++)
        if (!inbox_list_has(after, before->ids[i]) && inbox_list_add(removed, before->ids[i]) != 0)
            return ERR_NOMEM;
    return 0;
}

static int read_metadata(struct work *w)
{
    const struct commit_view *v = w->view;
    int r;

    if ((r = group_mutable_decode(v->new_mutable_raw, &w->new_mutable, w->err)) != 0 ||
        (r = group_permissions_decode(v->new_permissions_raw, &w->new_policies, w->err)) != 0 ||
        (r = group_membership_decode(v->new_membership_raw, &w->new_membership, w->err)) != 0)
        return r;
    w->out.permissions_changed = !policy_set_eq(&v->old->policies, &w->new_policies);
    w->out.has_min_version = group_attr_get(&w->new_mutable, "minimum_supported_protocol_version") != NULL;
    if (slice_eq(v->old_mutable_raw, v->new_mutable_raw))
        return 0;
    if ((r = compare_attributes(w)) != 0)
        return r;
    if (compare_lists(&v->old->mutable_.admins, &w->new_mutable.admins, &w->out.admins_added,
                      &w->out.admins_removed) != 0 ||
        compare_lists(&v->old->mutable_.super_admins, &w->new_mutable.super_admins, &w->out.super_admins_added,
                      &w->out.super_admins_removed) != 0)
        return err_set(w->err, ERR_NOMEM, "out of memory");
    return 0;
}

/* ---- who acts (steps 5 and 6) ---- */

static int read_actor(struct work *w)
{
    const struct commit_view *v = w->view;
    const char *inbox = v->actor_inbox_id;

    if (!v->one_member_sends_all)
        return err_set(w->err, ERR_DENIED, "commit with proposals of several senders");
    if (!v->path_key_is_senders)
        return err_set(w->err, ERR_DENIED, "the path leaf's signature key is not the sender's");
    if (v->has_psk)
        return err_set(w->err, ERR_DENIED, "commit with a pre-shared key");
    if (strlen(inbox) >= sizeof w->out.actor_inbox_id)
        return err_set(w->err, ERR_MALFORMED, "credential with an inbox id of %zu characters", strlen(inbox));
    strcpy(w->out.actor_inbox_id, inbox);
    memcpy(w->out.actor_installation, v->actor_installation, 32);
    w->rank.is_admin = inbox_list_has(&v->old->mutable_.admins, inbox);
    w->rank.is_super_admin = inbox_list_has(&v->old->mutable_.super_admins, inbox);
    return 0;
}

/* ---- who comes and goes (steps 7 to 12) ---- */

static int note_inbox_change(void *ctx, const char *inbox_id, uint64_t from, uint64_t to, bool was, bool is)
{
    struct work *w = ctx;

    if (was && is && to < from)
        return err_set(w->err, ERR_DENIED, "sequence id of a member goes back from %llu to %llu",
                       (unsigned long long)from, (unsigned long long)to);
    if (!was && inbox_list_add(&w->out.added, inbox_id) != 0)
        return err_set(w->err, ERR_NOMEM, "out of memory");
    if (!is && inbox_list_add(&w->out.removed, inbox_id) != 0)
        return err_set(w->err, ERR_NOMEM, "out of memory");
    return w->lookups->diff(w->lookups->ctx, inbox_id, from, to, &w->expected_added, &w->expected_removed, w->err);
}

static int collect_proposals(struct work *w)
{
    const struct commit_view *v = w->view;

    for (size_t i = 0; i < v->n_added; i++)
        if (installation_set_add(&w->added, v->added[i], "") != 0)
            return err_set(w->err, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < v->n_removed; i++)
        if (installation_set_add(&w->removed, v->removed[i], "") != 0)
            return err_set(w->err, ERR_NOMEM, "out of memory");
    return 0;
}

static bool drop_failed(struct group_membership *m, const uint8_t id[32])
{
    bool found = false;

    for (size_t i = m->n_failed; i-- > 0;)
        if (memcmp(m->failed[i], id, 32) == 0) {
            memmove(m->failed[i], m->failed[i + 1], (m->n_failed - i - 1) * 32);
            m->n_failed--;
            found = true;
        }
    return found;
}

/* Step 10: a super admin may take an installation out and put it in again, or fail to do so. */
static int set_readds_aside(struct work *w)
{
    if (!w->rank.is_super_admin)
        return 0;
    for (size_t i = w->removed.n; i-- > 0;) {
        uint8_t id[32];
        memcpy(id, w->removed.at[i].id, 32);
        if (!installation_set_remove(&w->added, id) && !drop_failed(&w->new_membership, id))
            continue;
        installation_set_remove(&w->removed, id);
        if (installation_set_add(&w->out.readded, id, "") != 0)
            return err_set(w->err, ERR_NOMEM, "out of memory");
    }
    return 0;
}

static int check_installations(struct work *w)
{
    for (size_t i = 0; i < w->added.n; i++)
        if (!installation_set_has(&w->expected_added, w->added.at[i].id) &&
            !w->lookups->is_leaf(w->lookups->ctx, w->added.at[i].id))
            return err_set(w->err, ERR_DENIED, "adds an installation that no member's identity log has");
    /* Equal sets: nothing unexpected goes, and everything that has to go does. */
    for (size_t i = 0; i < w->removed.n; i++)
        if (!installation_set_has(&w->expected_removed, w->removed.at[i].id) ||
            group_membership_failed(&w->new_membership, w->removed.at[i].id))
            return err_set(w->err, ERR_DENIED, "removes an installation that should stay");
    for (size_t i = 0; i < w->expected_removed.n; i++) {
        const uint8_t *id = w->expected_removed.at[i].id;
        if (!installation_set_has(&w->removed, id) && !group_membership_failed(&w->new_membership, id))
            return err_set(w->err, ERR_DENIED, "leaves in an installation that should go");
    }
    return 0;
}

static int check_membership(struct work *w)
{
    int r;

    if ((r = collect_proposals(w)) != 0)
        return r;
    if ((r = membership_changes(&w->view->old->membership, &w->new_membership, note_inbox_change, w)) != 0)
        return r;
    if ((r = set_readds_aside(w)) != 0)
        return r;
    return check_installations(w);
}

/* ---- credentials (step 13) ---- */

static int check_credential(struct work *w, const char *inbox_id, const uint8_t id[32])
{
    const struct group_member_at *m = group_membership_find(&w->new_membership, inbox_id);
    bool has = false;
    int r;

    if (!m)
        return err_set(w->err, ERR_DENIED, "the acting inbox is not a member afterwards");
    /* libxmtp finds no identity update for the placeholder 0 of a fresh group; nor do we. */
    if (m->sequence_id == 0)
        return err_set(w->err, ERR_DENIED, "the acting inbox stands at sequence id 0");
    if ((r = w->lookups->has_installation(w->lookups->ctx, inbox_id, m->sequence_id, id, &has, w->err)) != 0)
        return r;
    return has ? 0 : err_set(w->err, ERR_DENIED, "the acting installation does not belong to its inbox");
}

static int check_credentials(struct work *w)
{
    int r = check_credential(w, w->view->actor_inbox_id, w->view->actor_installation);

    for (size_t i = 0; r == 0 && i < w->view->n_updated; i++)
        r = check_credential(w, w->view->updated[i].inbox_id, w->view->updated[i].id);
    return r;
}

/* ---- permissions (step 14; section 5.3) ---- */

static bool is_dm_pair_add(const struct work *w)
{
    const struct group_immutable *im = &w->view->old->immutable;
    const char *inbox;

    /* The pair decides, not the type: so it is in libxmtp. */
    if (!im->dm_one || !im->dm_two || w->out.added.n != 1)
        return false;
    inbox = w->out.added.ids[0];
    return (strcmp(inbox, im->dm_one) == 0 || strcmp(inbox, im->dm_two) == 0) &&
           strcmp(inbox, w->view->actor_inbox_id) != 0;
}

static int check_permissions(struct work *w)
{
    const struct policy_set *p = &w->view->old->policies;
    const struct commit_outcome *o = &w->out;

    if (o->added.n > 0 && !is_dm_pair_add(w) && !policy_allows(&p->add_member, w->rank))
        return err_set(w->err, ERR_DENIED, "adding members is not permitted");
    if (o->removed.n > 0 && !policy_allows(&p->remove_member, w->rank))
        return err_set(w->err, ERR_DENIED, "removing members is not permitted");
    for (size_t i = 0; i < o->removed.n; i++)
        if (inbox_list_has(&w->view->old->mutable_.super_admins, o->removed.ids[i]))
            return err_set(w->err, ERR_DENIED, "a super admin cannot be removed");
    for (size_t i = 0; i < o->n_fields; i++)
        if (!policy_allows_field(p, o->fields[i].field, w->rank))
            return err_set(w->err, ERR_DENIED, "changing the attribute %.60s is not permitted", o->fields[i].field);
    if (o->admins_added.n > 0 && !policy_allows(&p->add_admin, w->rank))
        return err_set(w->err, ERR_DENIED, "adding admins is not permitted");
    if (o->admins_removed.n > 0 && !policy_allows(&p->remove_admin, w->rank))
        return err_set(w->err, ERR_DENIED, "removing admins is not permitted");
    if (o->super_admins_added.n > 0 && !w->rank.is_super_admin)
        return err_set(w->err, ERR_DENIED, "adding super admins is not permitted");
    if (o->super_admins_removed.n > 0 && (!w->rank.is_super_admin || w->new_mutable.super_admins.n == 0))
        return err_set(w->err, ERR_DENIED, "removing super admins, or the last one, is not permitted");
    if (o->permissions_changed && !w->rank.is_super_admin)
        return err_set(w->err, ERR_DENIED, "changing permissions is not permitted");
    return 0;
}

/* ---- version (step 15) ---- */

static int check_version(struct work *w, const char *own, char min_version[64])
{
    const char *wanted = group_attr_get(&w->new_mutable, "minimum_supported_protocol_version");
    int cmp;

    if (!wanted)
        return 0;
    if (version_compare(own ? own : PROTOCOL_VERSION, wanted, &cmp) != 0)
        return err_set(w->err, ERR_MALFORMED, "the minimum version does not parse");
    if (cmp >= 0)
        return 0;
    if (min_version)
        snprintf(min_version, 64, "%s", wanted);
    return err_set(w->err, ERR_PAUSED, "the group wants version %.40s", wanted);
}

int commit_validate(const struct commit_view *view, const struct commit_lookups *lookups,
                    struct commit_outcome *out, char min_version[64], struct err *err)
{
    struct work w = {.view = view, .lookups = lookups, .err = err};
    int r;

    if ((r = read_metadata(&w)) != 0)
        goto done;
    if ((r = read_actor(&w)) != 0)
        goto done;
    if ((r = check_membership(&w)) != 0)
        goto done;
    if ((r = check_credentials(&w)) != 0)
        goto done;
    if ((r = check_permissions(&w)) != 0)
        goto done;
    if ((r = check_version(&w, view->own_version, min_version)) != 0)
        goto done;
    *out = w.out;
    w.out = (struct commit_outcome){0};
done:
    group_mutable_free(&w.new_mutable);
    group_membership_free(&w.new_membership);
    policy_set_free(&w.new_policies);
    installation_set_free(&w.added);
    installation_set_free(&w.removed);
    installation_set_free(&w.expected_added);
    installation_set_free(&w.expected_removed);
    commit_outcome_free(&w.out);
    return r;
}

void commit_outcome_free(struct commit_outcome *outcome)
{
    struct inbox_list *lists[] = {&outcome->added, &outcome->removed, &outcome->admins_added,
                                  &outcome->admins_removed, &outcome->super_admins_added,
                                  &outcome->super_admins_removed};

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        inbox_list_free(lists[i]);
    for (size_t i = 0; i < outcome->n_fields; i++) {
        xm_free(outcome->fields[i].field);
        xm_free(outcome->fields[i].old_value);
        xm_free(outcome->fields[i].new_value);
    }
    xm_free(outcome->fields);
    installation_set_free(&outcome->readded);
    *outcome = (struct commit_outcome){0};
}

bool commit_outcome_is_visible(const struct commit_outcome *o)
{
    return o->added.n > 0 || o->removed.n > 0 || o->n_fields > 0 || o->admins_added.n > 0 ||
           o->admins_removed.n > 0 || o->super_admins_added.n > 0 || o->super_admins_removed.n > 0 ||
           o->has_min_version;
}
