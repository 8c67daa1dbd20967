/* conversation.permissions: who may do what in a group, seen and changed (groups.md section 5).
 *
 * Policies have the names that XMTP's SDKs give them; values are allow, deny, admin, superAdmin, or other (a
 * combination of these, which others may have made). */
#include "base/err.h"
#include "base/i18n.h"
#include "sync/core.h"
#include "sync/group.h"
#include "sync/group_update.h"
#include "sync/params.h"
#include "sync/policy.h"
#include "sync/rpc.h"
#include "sync/worker.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A name ends in "Policy", which may be left out in `set`; metadata may also be called as conversation.update calls
 * it.  Disappearing messages are two attributes, which change together. */
static const struct permission {
    const char *name, *field;
    enum permission_target target;
    const char *fields[2];
    size_t offset; /* in struct policy_set, where there are no fields */
} permissions[] = {
    {"addMemberPolicy", NULL, PERMIT_ADD_MEMBER, {NULL}, offsetof(struct policy_set, add_member)},
    {"removeMemberPolicy", NULL, PERMIT_REMOVE_MEMBER, {NULL}, offsetof(struct policy_set, remove_member)},
    {"addAdminPolicy", NULL, PERMIT_ADD_ADMIN, {NULL}, offsetof(struct policy_set, add_admin)},
    {"removeAdminPolicy", NULL, PERMIT_REMOVE_ADMIN, {NULL}, offsetof(struct policy_set, remove_admin)},
    {"updateGroupNamePolicy", "name", PERMIT_METADATA, {ATTR_NAME}, 0},
    {"updateGroupDescriptionPolicy", "description", PERMIT_METADATA, {ATTR_DESCRIPTION}, 0},
    {"updateGroupImageUrlSquarePolicy", "imageUrl", PERMIT_METADATA, {ATTR_IMAGE_URL}, 0},
    {"updateAppDataPolicy", "appData", PERMIT_METADATA, {ATTR_APP_DATA}, 0},
    {"updateMessageDisappearingPolicy", "disappearing", PERMIT_METADATA, {ATTR_DISAPPEAR_FROM, ATTR_DISAPPEAR_IN}, 0},
};
#define PERMISSION_COUNT (sizeof permissions / sizeof permissions[0])

static const enum policy_base settable[] = {POLICY_ALLOW, POLICY_DENY, POLICY_ADMIN, POLICY_SUPER_ADMIN};

/* ---- seeing ---- */

static const char *base_name(enum policy_base base)
{
    return base == POLICY_ALL_OF || base == POLICY_ANY_OF ? "other" : policy_base_name(base);
}

static const char *who_may(const struct policy_set *set, const struct permission *p)
{
    if (!p->fields[0])
        return base_name(((const struct policy *)(const void *)((const char *)set + p->offset))->base);
    for (size_t i = 0; i < set->n_fields; i++)
        if (strcmp(set->fields[i].field, p->fields[0]) == 0)
            return base_name(set->fields[i].policy.base);
    return policy_base_name(POLICY_ADMIN); /* what holds for a field without an entry */
}

static json_t *to_json(const struct policy_set *set)
{
    static const char *const presets[] = {
        [PRESET_ALL_MEMBERS] = "all-members", [PRESET_ADMIN_ONLY] = "admin-only", [PRESET_DM] = "dm", [PRESET_CUSTOM] = "custom"};
    json_t *policies = json_object();

    for (size_t i = 0; i < PERMISSION_COUNT; i++)
        json_object_set_new(policies, permissions[i].name, json_string(who_may(set, &permissions[i])));
    return json_pack("{s:s,s:o}", "preset", presets[policy_set_name(set)], "policies", policies);
}

static int reply(struct rpc *rpc, const uint8_t id[16])
{
    struct group *g = NULL;
    int r = group_open(rpc->core, id, &g, &rpc->err);

    if (r == 0 && (r = group_read_extensions(rpc->core, g, &rpc->err)) == 0)
        rpc->result = to_json(&g->ext.policies);
    group_close(rpc->core, g);
    return r;
}

/* ---- changing ---- */

static bool is_called(const struct permission *p, const char *name)
{
    size_t len = strlen(p->name) - strlen("Policy");

    return strcmp(p->name, name) == 0 || (strlen(name) == len && strncmp(p->name, name, len) == 0) ||
           (p->field && strcmp(p->field, name) == 0);
}

static int find_permission(struct rpc *rpc, const char *name, const struct permission **out)
{
    for (size_t i = 0; i < PERMISSION_COUNT; i++)
        if (is_called(&permissions[i], name)) {
            *out = &permissions[i];
            return 0;
        }
    return err_set(&rpc->err, ERR_INVALID, _("no permission \"%.40s\": there are addMember, removeMember, addAdmin, removeAdmin, "
                                             "name, description, imageUrl, appData and disappearing"),
                   name);
}

static int find_base(struct rpc *rpc, const json_t *who, enum policy_base *out)
{
    for (size_t i = 0; json_is_string(who) && i < sizeof settable / sizeof settable[0]; i++)
        if (strcmp(policy_base_name(settable[i]), json_string_value(who)) == 0) {
            *out = settable[i];
            return 0;
        }
    return err_set(&rpc->err, ERR_INVALID, "%s", _("who may is allow, deny, admin or superAdmin"));
}

static int set_one(struct rpc *rpc, const uint8_t id[16], const char *name, const json_t *who)
{
    const struct permission *p;
    enum policy_base base;
    int r;

    if ((r = find_permission(rpc, name, &p)) != 0 || (r = find_base(rpc, who, &base)) != 0)
        return r;
    r = group_update_permission(rpc->core, id, p->target, p->fields[0], base, &rpc->err);
    if (r == 0 && p->fields[0] && p->fields[1])
        r = group_update_permission(rpc->core, id, p->target, p->fields[1], base, &rpc->err);
    return r;
}

/* All of `set` has to make sense before any of it is sent. */
static int check(struct rpc *rpc, json_t *set)
{
    const struct permission *p;
    enum policy_base base;
    const char *name;
    json_t *who;
    int r;

    json_object_foreach(set, name, who)
        if ((r = find_permission(rpc, name, &p)) != 0 || (r = find_base(rpc, who, &base)) != 0)
            return r;
    return 0;
}

static int call(struct rpc *rpc)
{
    json_t *set = json_object_get(rpc->params, "set"), *who;
    const char *name;
    uint8_t id[16];
    int r;

    if ((r = params_conversation(rpc, id)) != 0)
        return r;
    if (set && !json_is_object(set))
        return err_set(&rpc->err, ERR_INVALID, "%s", _("\"set\" must be an object"));
    if (set && ((r = check(rpc, set)) != 0 || (r = worker_online(rpc->core, &rpc->err)) != 0))
        return r;
    json_object_foreach(set, name, who)
        if ((r = set_one(rpc, id, name, who)) != 0)
            return r;
    return reply(rpc, id);
}

const struct rpc_method permission_methods[] = {
    {"conversation.permissions", call, NULL, 0},
    {NULL, NULL, NULL, 0},
};
