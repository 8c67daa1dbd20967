/* Builders by kind of intent.  All but key updates are one GroupContextExtensions proposal, with Adds
 * and Removes where members change. */
#include "sync/commit_build.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/i18n.h"
#include "base/reader.h"
#include "crypto/ed25519.h"
#include "sync/core.h"
#include "sync/group.h"
#include "sync/group_update.h"
#include "sync/membership_plan.h"

#include <stdio.h>
#include <string.h>

/* ---- what intents say ---- */

#define INTENT_TEXT_MAX ((size_t)64 << 10)

void membership_intent_write(const struct membership_intent *in, struct buf *out)
{
    buf_put_u32(out, (uint32_t)in->updates.n_members);
    for (size_t i = 0; i < in->updates.n_members; i++) {
        buf_put_vec(out, slice_str(in->updates.members[i].inbox_id));
        buf_put_u64(out, in->updates.members[i].sequence_id);
    }
    buf_put_u32(out, (uint32_t)in->updates.n_failed);
    for (size_t i = 0; i < in->updates.n_failed; i++)
        buf_put(out, in->updates.failed[i], 32);
    buf_put_u32(out, (uint32_t)in->removed.n);
    for (size_t i = 0; i < in->removed.n; i++)
        buf_put_vec(out, slice_str(in->removed.ids[i]));
}

static bool read_inbox(struct reader *r, char out[65])
{
    struct slice s = read_vec(r, 64);

    snprintf(out, 65, "%.*s", (int)s.len, s.data ? (const char *)s.data : "");
    return !r->bad;
}

int membership_intent_read(struct slice data, struct membership_intent *out, struct err *err)
{
    struct membership_intent in = {0};
    struct reader r = reader_of(data);
    char inbox[65];
    int rc = ERR_CORRUPT;

    for (uint32_t n = read_u32(&r); n > 0 && read_inbox(&r, inbox); n--)
        if ((rc = group_membership_set(&in.updates, inbox, read_u64(&r))) != 0)
            goto fail;
    for (uint32_t n = read_u32(&r); n > 0; n--) {
        struct slice id = read_bytes(&r, 32);
        if (r.bad)
            break;
        if ((rc = group_membership_add_failed(&in.updates, id.data)) != 0)
            goto fail;
    }
    for (uint32_t n = read_u32(&r); n > 0 && read_inbox(&r, inbox); n--)
        if ((rc = inbox_list_add(&in.removed, inbox)) != 0)
            goto fail;
    rc = ERR_CORRUPT;
    if (!reader_done(&r))
        goto fail;
    *out = in;
    return 0;
fail:
    membership_intent_free(&in);
    return err_set(err, rc, "a queued membership change does not decode");
}

void membership_intent_free(struct membership_intent *in)
{
    group_membership_free(&in->updates);
    inbox_list_free(&in->removed);
}

void metadata_intent_write(const char *field, const char *value, struct buf *out)
{
    buf_put_vec(out, slice_str(field));
    buf_put_vec(out, slice_str(value));
}

void admin_intent_write(unsigned action, const char *inbox_id, struct buf *out)
{
    buf_put_u8(out, (uint8_t)action);
    buf_put_vec(out, slice_str(inbox_id));
}

void permission_intent_write(unsigned target, const char *field, enum policy_base option, struct buf *out)
{
    buf_put_u8(out, (uint8_t)target);
    buf_put_u8(out, (uint8_t)option);
    buf_put_vec(out, slice_str(field ? field : ""));
}

static char *read_text(struct reader *r)
{
    struct slice s = read_vec(r, INTENT_TEXT_MAX);

    return r->bad ? NULL : xm_strndup(s.data ? (const char *)s.data : "", s.len);
}

/* After the last field was read; `has_texts`: none of read_text()'s is NULL. */
static int end_reading(struct reader *r, bool has_texts, const char *what, struct err *err)
{
    if (!reader_done(r))
        return err_set(err, ERR_CORRUPT, "a queued change of %s does not decode", what);
    return has_texts ? 0 : err_set(err, ERR_NOMEM, "out of memory");
}

/* ---- extensions ---- */

void extensions_replace(struct slice list, uint16_t type, struct slice data, struct buf *out)
{
    struct slice rest = list, body;
    uint16_t t;

    while (mls_extension_next(&rest, &t, &body))
        if (t != type)
            mls_extension_put(out, t, body);
    mls_extension_put(out, type, data);
}

/* ---- commits ---- */

static int create(struct core *core, struct group *g, struct mls_commit_params *params, struct built_commit *out,
                  struct err *err)
{
    params->signer = (struct mls_signer){core->self.seed, core->self.installation_id};
    return mls_commit_create(g->mls, params, core->rand, &out->mls, err);
}

/* One replaced extension, nothing else. */
static int create_with_extension(struct core *core, struct group *g, uint16_t type, struct buf *data,
                                 struct built_commit *out, struct err *err)
{
    struct buf list = BUF_INIT;
    struct slice extensions;
    struct mls_commit_params params = {.extensions = &extensions, .force_path = true};
    int r;

    extensions_replace(mls_group_extensions(g->mls), type, buf_slice(data), &list);
    extensions = buf_slice(&list);
    r = buf_ok(data) && buf_ok(&list) ? create(core, g, &params, out, err) : err_set(err, ERR_NOMEM, "out of memory");
    buf_free(&list);
    return r;
}

static int build_metadata(struct core *core, struct group *g, struct slice data, struct built_commit *out,
                          struct err *err)
{
    struct reader rd = reader_of(data);
    char *field = read_text(&rd), *value = read_text(&rd);
    struct group_mutable changed = {0};
    struct buf ext = BUF_INIT;
    const char *now;
    int r;

    if ((r = end_reading(&rd, field && value, "metadata", err)) != 0)
        goto done;
    now = group_attr_get(&g->ext.mutable_, field);
    if (now && strcmp(now, value) == 0) {
        out->nothing = true;
        r = 0;
        goto done;
    }
    if ((r = group_mutable_dup(&g->ext.mutable_, &changed)) != 0 || (r = group_attr_set(&changed, field, value)) != 0)
        goto done;
    group_mutable_encode(&changed, &ext);
    r = create_with_extension(core, g, EXT_MUTABLE_METADATA, &ext, out, err);
done:
    xm_free(field);
    xm_free(value);
    group_mutable_free(&changed);
    buf_free(&ext);
    return r;
}

static int change_lists(struct group_mutable *m, unsigned action, const char *inbox)
{
    switch (action) {
    case ADMIN_ADD:
        return inbox_list_add(&m->admins, inbox);
    case SUPER_ADMIN_ADD:
        return inbox_list_add(&m->super_admins, inbox);
    case ADMIN_REMOVE:
        inbox_list_remove(&m->admins, inbox);
        return 0;
    case SUPER_ADMIN_REMOVE:
        inbox_list_remove(&m->super_admins, inbox);
        return 0;
    default:
        return ERR_CORRUPT;
    }
}

static int build_admin(struct core *core, struct group *g, struct slice data, struct built_commit *out,
                       struct err *err)
{
    struct reader rd = reader_of(data);
    unsigned action = read_u8(&rd);
    char *inbox = read_text(&rd);
    struct group_mutable changed = {0};
    struct buf ext = BUF_INIT;
    int r;

    if ((r = end_reading(&rd, inbox != NULL, "roles", err)) != 0)
        goto done;
    if ((r = group_mutable_dup(&g->ext.mutable_, &changed)) != 0 || (r = change_lists(&changed, action, inbox)) != 0)
        goto done;
    out->nothing = changed.admins.n == g->ext.mutable_.admins.n &&
                   changed.super_admins.n == g->ext.mutable_.super_admins.n;
    if (out->nothing)
        goto done;
    group_mutable_encode(&changed, &ext);
    r = create_with_extension(core, g, EXT_MUTABLE_METADATA, &ext, out, err);
done:
    xm_free(inbox);
    group_mutable_free(&changed);
    buf_free(&ext);
    return r;
}

/* Writes `option` where `target` says, into a fresh copy of the policies. */
static int change_policies(struct policy_set *set, unsigned target, const char *field, enum policy_base option)
{
    struct policy *at = NULL;

    if (target == PERMIT_METADATA) {
        struct field_policy *grown;
        for (size_t i = 0; i < set->n_fields; i++)
            if (strcmp(set->fields[i].field, field) == 0)
                at = &set->fields[i].policy;
        if (!at) {
            if (!(grown = xm_realloc(set->fields, set->n_fields + 1, sizeof *grown)))
                return ERR_NOMEM;
            set->fields = grown;
            grown[set->n_fields] = (struct field_policy){.field = xm_strdup(field)};
            if (!grown[set->n_fields].field)
                return ERR_NOMEM;
            at = &grown[set->n_fields++].policy;
        }
    } else {
        at = target == PERMIT_ADD_MEMBER      ? &set->add_member
             : target == PERMIT_REMOVE_MEMBER ? &set->remove_member
             : target == PERMIT_ADD_ADMIN     ? &set->add_admin
             : target == PERMIT_REMOVE_ADMIN  ? &set->remove_admin
                                              : NULL;
        if (!at)
            return ERR_CORRUPT;
        if ((target == PERMIT_ADD_ADMIN || target == PERMIT_REMOVE_ADMIN) && option == POLICY_ALLOW)
            option = POLICY_SUPER_ADMIN; /* as libxmtp does: "everybody" does not exist for roles */
    }
    policy_free(at);
    at->base = option;
    return 0;
}

static int build_permission(struct core *core, struct group *g, struct slice data, struct built_commit *out,
                            struct err *err)
{
    struct reader rd = reader_of(data);
    unsigned target = read_u8(&rd);
    enum policy_base option = (enum policy_base)read_u8(&rd);
    char *field = read_text(&rd);
    struct policy_set changed = {0};
    struct buf ext = BUF_INIT;
    struct slice raw;
    int r;

    if ((r = end_reading(&rd, field != NULL, "permissions", err)) != 0)
        goto done;
    if (option > POLICY_SUPER_ADMIN ||
        !mls_extension_find(mls_group_extensions(g->mls), EXT_GROUP_PERMISSIONS, &raw)) {
        r = err_set(err, ERR_CORRUPT, "a queued change of permissions does not fit the group");
        goto done;
    }
    /* Decoding again is the simplest copy. */
    if ((r = group_permissions_decode(raw, &changed, err)) != 0 ||
        (r = change_policies(&changed, target, field, option)) != 0)
        goto done;
    out->nothing = policy_set_eq(&changed, &g->ext.policies);
    if (out->nothing)
        goto done;
    group_permissions_encode(&changed, &ext);
    r = create_with_extension(core, g, EXT_GROUP_PERMISSIONS, &ext, out, err);
done:
    xm_free(field);
    policy_set_free(&changed);
    buf_free(&ext);
    return r;
}

static int build_membership(struct core *core, struct group *g, struct slice data, struct built_commit *out,
                            struct err *err)
{
    struct membership_intent intent = {0};
    struct membership_plan plan = {0};
    struct buf ext = BUF_INIT, list = BUF_INIT;
    struct slice extensions;
    struct mls_commit_params params = {.extensions = &extensions, .force_path = true};
    int r;

    if ((r = membership_intent_read(data, &intent, err)) != 0 ||
        (r = membership_plan_make(core, g, &intent, &plan, err)) != 0)
        goto done;
    if (plan.nothing) {
        out->nothing = true;
        goto done;
    }
    group_membership_encode(&plan.membership, &ext);
    extensions_replace(mls_group_extensions(g->mls), EXT_GROUP_MEMBERSHIP, buf_slice(&ext), &list);
    if (!buf_ok(&ext) || !buf_ok(&list)) {
        r = err_set(err, ERR_NOMEM, "out of memory");
        goto done;
    }
    extensions = buf_slice(&list);
    params.adds = plan.adds;
    params.adds_n = plan.n_adds;
    params.removes = plan.removes;
    params.removes_n = plan.n_removes;
    if ((r = create(core, g, &params, out, err)) != 0 || plan.n_adds == 0)
        goto done;
    r = membership_plan_welcomes(&plan, bytes_slice(&out->mls.welcome), &out->welcomes, err);
done:
    membership_intent_free(&intent);
    membership_plan_free(&plan);
    buf_free(&ext);
    buf_free(&list);
    return r;
}

int commit_build(struct core *core, struct group *g, const struct store_intent *intent, struct built_commit *out,
                 struct err *err)
{
    struct built_commit built = {0};
    struct mls_commit_params key_update = {.force_path = true};
    int r;

    if ((r = group_read_extensions(core, g, err)) != 0)
        return r;
    if (g->ext.immutable_lost)
        return err_set(err, ERR_DENIED, "%s",
                       _("a member has broken this conversation: its settings and members cannot be changed any more"));
    switch (intent->kind) {
    case STORE_INTENT_KEY_UPDATE:
        r = create(core, g, &key_update, &built, err);
        break;
    case STORE_INTENT_METADATA_UPDATE:
        r = build_metadata(core, g, intent->data, &built, err);
        break;
    case STORE_INTENT_UPDATE_MEMBERSHIP:
        r = build_membership(core, g, intent->data, &built, err);
        break;
    case STORE_INTENT_UPDATE_ADMIN_LIST:
        r = build_admin(core, g, intent->data, &built, err);
        break;
    case STORE_INTENT_UPDATE_PERMISSION:
        r = build_permission(core, g, intent->data, &built, err);
        break;
    default:
        r = err_set(err, ERR_UNSUPPORTED, "intents of kind %d are not for us", (int)intent->kind);
    }
    if (r != 0) {
        built_commit_free(&built);
        return err_wrap(err, r, "building a commit");
    }
    *out = built;
    return 0;
}

void built_commit_free(struct built_commit *b)
{
    mls_commit_result_free(&b->mls);
    bytes_wipe(&b->welcomes);
}
