/* conversation.*: members, roles, permissions and metadata of one conversation. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/i18n.h"
#include "store/consent.h"
#include "store/groups.h"
#include "store/identity_log.h"
#include "sync/consent.h"
#include "sync/content.h"
#include "sync/conversation_json.h"
#include "sync/core.h"
#include "sync/group.h"
#include "sync/group_update.h"
#include "sync/membership.h"
#include "sync/params.h"
#include "sync/resolve.h"
#include "sync/rpc.h"
#include "sync/worker.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int reply_with(struct rpc *rpc, const uint8_t id[16])
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_conversation row;
    int r = store_conversation_get(rpc->store, slice_of(id, GROUP_ID_LEN), &mem, &row, &rpc->err);

    if (r == 0)
        r = conversation_to_json(rpc->store, &row, &rpc->result, &rpc->err);
    store_mem_free(&mem);
    return r;
}

static int online_conversation(struct rpc *rpc, uint8_t id[16])
{
    int r = params_conversation(rpc, id);

    return r != 0 ? r : worker_online(rpc->core, &rpc->err);
}

/* ---- members ---- */

static int add_address(void *ctx, int kind, struct slice identifier)
{
    if (kind == 1)
        json_array_append_new(ctx, json_stringn((const char *)identifier.data, identifier.len));
    return 0;
}

static json_t *member_json(struct rpc *rpc, const struct group_member *m)
{
    static const char *const levels[] = {"member", "admin", "superAdmin"};
    json_t *installations = json_array(), *addresses = json_array();
    enum store_consent_state consent = STORE_CONSENT_UNKNOWN;

    for (size_t i = 0; i < m->n_installations; i++)
        json_array_append_new(installations, rpc_hex_json(m->installations[i], INSTALLATION_ID_LEN));
    store_identifiers_of_each(rpc->store, m->inbox_id, add_address, addresses, NULL);
    store_consent_state(rpc->store, STORE_CONSENT_INBOX, m->inbox_id, &consent, NULL);
    return json_pack("{s:s,s:o,s:o,s:s,s:s}", "inboxId", m->inbox_id, "addresses", addresses, "installations",
                     installations, "level", levels[m->level], "consent",
                     consent_state_name((enum consent_state)consent));
}

static int members(struct rpc *rpc)
{
    struct group_member *list = NULL;
    struct group *g = NULL;
    uint8_t id[16];
    size_t n = 0;
    int r;

    if ((r = params_conversation(rpc, id)) != 0 || (r = group_get(rpc->core, id, &g, &rpc->err)) != 0)
        return r;
    if ((r = group_members(rpc->core, g, &list, &n, &rpc->err)) == 0) {
        rpc->result = json_array();
        for (size_t i = 0; i < n; i++)
            json_array_append_new(rpc->result, member_json(rpc, &list[i]));
    }
    group_members_free(list, n);
    group_put(rpc->core, g);
    return r;
}

static int change_members(struct rpc *rpc, int (*change)(struct core *core, const uint8_t id[16],
                                                         const char *const *inbox_ids, size_t n, struct err *err))
{
    char(*ids)[65] = NULL;
    const char **at = NULL;
    uint8_t id[16];
    size_t n;
    int r;

    if ((r = online_conversation(rpc, id)) != 0 || (r = params_peers(rpc, "peers", &ids, &at, &n)) != 0)
        return r;
    r = n ? change(rpc->core, id, at, n, &rpc->err) : err_set(&rpc->err, ERR_INVALID, _("\"peers\" is empty"));
    xm_free(ids);
    xm_free(at);
    return r == 0 ? reply_with(rpc, id) : r;
}

static int add_members(struct rpc *rpc)
{
    return change_members(rpc, group_add_members);
}

static int remove_members(struct rpc *rpc)
{
    return change_members(rpc, group_remove_members);
}

/* ---- roles ---- */

/* What the lists say about one member now; MEMBER_PLAIN for whoever is on none. */
static int level_of(struct core *core, const uint8_t id[16], const char *inbox_id, enum member_level *out,
                    struct err *err)
{
    struct group_member *list = NULL;
    struct group *g = NULL;
    size_t n = 0;
    int r = group_get(core, id, &g, err);

    if (r != 0)
        return r;
    *out = MEMBER_PLAIN;
    r = group_members(core, g, &list, &n, err);
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].inbox_id, inbox_id) == 0)
            *out = list[i].level;
    group_members_free(list, n);
    group_put(core, g);
    return r;
}

/* Off the lists that are above the role, onto its own.  Somebody may be on both lists, of which the higher
 * shows, so the level is looked at again after leaving it. */
static int lower_to(struct rpc *rpc, const uint8_t id[16], const char *inbox_id, bool to_admin)
{
    enum member_level level;
    int r = level_of(rpc->core, id, inbox_id, &level, &rpc->err);

    if (r == 0 && level == MEMBER_SUPER_ADMIN &&
        (r = group_update_admin(rpc->core, id, SUPER_ADMIN_REMOVE, inbox_id, &rpc->err)) == 0)
        r = level_of(rpc->core, id, inbox_id, &level, &rpc->err);
    if (r == 0 && to_admin && level != MEMBER_ADMIN)
        r = group_update_admin(rpc->core, id, ADMIN_ADD, inbox_id, &rpc->err);
    else if (r == 0 && !to_admin && level == MEMBER_ADMIN)
        r = group_update_admin(rpc->core, id, ADMIN_REMOVE, inbox_id, &rpc->err);
    return r;
}

static int set_role(struct rpc *rpc)
{
    const char *role;
    char inbox_id[65];
    uint8_t id[16];
    int r;

    if ((r = rpc_string(rpc, "role", true, &role)) != 0 || (r = online_conversation(rpc, id)) != 0 ||
        (r = resolve_peer(rpc->core, json_object_get(rpc->params, "peer"), inbox_id, &rpc->err)) != 0)
        return r;
    if (strcmp(role, "superAdmin") == 0)
        r = group_update_admin(rpc->core, id, SUPER_ADMIN_ADD, inbox_id, &rpc->err);
    else if (strcmp(role, "admin") == 0 || strcmp(role, "member") == 0)
        r = lower_to(rpc, id, inbox_id, *role == 'a');
    else
        r = err_set(&rpc->err, ERR_INVALID, _("\"%.40s\": a role is member, admin or superAdmin"), role);
    return r == 0 ? reply_with(rpc, id) : r;
}

/* The SDKs' own calls: each changes one list alone. */
static int change_list(struct rpc *rpc, enum admin_action action)
{
    char inbox_id[65];
    uint8_t id[16];
    int r;

    if ((r = online_conversation(rpc, id)) != 0 ||
        (r = resolve_peer(rpc->core, json_object_get(rpc->params, "peer"), inbox_id, &rpc->err)) != 0 ||
        (r = group_update_admin(rpc->core, id, action, inbox_id, &rpc->err)) != 0)
        return r;
    return reply_with(rpc, id);
}

static int add_admin(struct rpc *rpc)
{
    return change_list(rpc, ADMIN_ADD);
}

static int remove_admin(struct rpc *rpc)
{
    return change_list(rpc, ADMIN_REMOVE);
}

static int add_super_admin(struct rpc *rpc)
{
    return change_list(rpc, SUPER_ADMIN_ADD);
}

static int remove_super_admin(struct rpc *rpc)
{
    return change_list(rpc, SUPER_ADMIN_REMOVE);
}

/* ---- metadata ---- */

static int update_disappearing(struct rpc *rpc, const uint8_t id[16])
{
    json_t *setting = json_object_get(rpc->params, "disappearing"), *params = rpc->params;
    int64_t from = 0, in = 0;
    int r = 0;

    if (!setting)
        return 0;
    if (!json_is_null(setting)) {
        rpc->params = setting;
        r = rpc_int(rpc, "fromNs", core_now_ns(rpc->core), &from);
        if (r == 0)
            r = rpc_int(rpc, "inNs", 0, &in);
        rpc->params = params;
        if (r != 0)
            return r;
        if (from <= 0 || in <= 0)
            return err_set(&rpc->err, ERR_INVALID, _("\"disappearing\" needs fromNs and inNs over 0, or null"));
    }
    return group_update_disappearing(rpc->core, id, from, in, &rpc->err);
}

static int update(struct rpc *rpc)
{
    static const struct {
        const char *param, *attribute;
    } fields[] = {{"name", ATTR_NAME},
                  {"description", ATTR_DESCRIPTION},
                  {"imageUrl", ATTR_IMAGE_URL},
                  {"appData", ATTR_APP_DATA}};
    const char *value;
    uint8_t id[16];
    int r;

    if ((r = online_conversation(rpc, id)) != 0)
        return r;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if ((r = rpc_string(rpc, fields[i].param, false, &value)) != 0)
            return r;
        if (value && (r = group_update_attribute(rpc->core, id, fields[i].attribute, value, &rpc->err)) != 0)
            return r;
    }
    if ((r = update_disappearing(rpc, id)) != 0)
        return r;
    return reply_with(rpc, id);
}

static int leave(struct rpc *rpc)
{
    uint8_t id[16];
    int r;

    if ((r = online_conversation(rpc, id)) != 0)
        return r;
    return group_leave(rpc->core, id, &rpc->err);
}

/* ---- debug ---- */

static int debug(struct rpc *rpc)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group row;
    struct group_debug d;
    struct group *g = NULL;
    uint8_t id[16];
    int r;

    if ((r = params_conversation(rpc, id)) != 0 || (r = group_get(rpc->core, id, &g, &rpc->err)) != 0)
        return r;
    if ((r = store_group_get(rpc->store, slice_of(id, GROUP_ID_LEN), &mem, &row, &rpc->err)) == 0 &&
        (r = group_debug(rpc->core, g, &d, &rpc->err)) == 0)
        rpc->result = json_pack("{s:I,s:o,s:b,s:o,s:I,s:I}", "epoch", (json_int_t)d.epoch, "epochAuthenticator",
                                rpc_hex_json(d.epoch_authenticator, sizeof d.epoch_authenticator), "forked",
                                row.fork != STORE_FORK_NO, "pausedForVersion",
                                row.paused_for_version ? content_clean_json(slice_str(row.paused_for_version))
                                                       : json_null(),
                                "cursor", (json_int_t)d.cursor, "leaves", (json_int_t)d.leaves);
    store_mem_free(&mem);
    group_put(rpc->core, g);
    return r;
}

const struct rpc_method group_methods[] = {
    {"conversation.members", members, NULL, 0},
    {"conversation.addMembers", add_members, NULL, 0},
    {"conversation.removeMembers", remove_members, NULL, 0},
    {"conversation.setRole", set_role, NULL, 0},
    {"conversation.addAdmin", add_admin, NULL, 0},
    {"conversation.removeAdmin", remove_admin, NULL, 0},
    {"conversation.addSuperAdmin", add_super_admin, NULL, 0},
    {"conversation.removeSuperAdmin", remove_super_admin, NULL, 0},
    {"conversation.update", update, NULL, 0},
    {"conversation.leave", leave, NULL, 0},
    {"conversation.requestRemoval", leave, NULL, 0},
    {"conversation.debug", debug, NULL, 0},
    {"conversation.debugInfo", debug, NULL, 0},
    {NULL, NULL, NULL, 0},
};
