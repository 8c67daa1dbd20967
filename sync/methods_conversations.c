/* conversations.*: lists, new ones, syncing many. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/i18n.h"
#include "store/consent.h"
#include "store/groups.h"
#include "sync/conversation_json.h"
#include "sync/core.h"
#include "sync/group_create.h"
#include "sync/hmac.h"
#include "sync/params.h"
#include "sync/resolve.h"
#include "sync/rpc.h"
#include "sync/sync_all.h"
#include "sync/welcome_receive.h"
#include "sync/worker.h"

#include <sodium.h>
#include <string.h>

/* ---- list ---- */

struct listing {
    struct store *store;
    json_t *array;
    struct err *err;
};

static int list_row(void *ctx, const struct store_conversation *row)
{
    struct listing *l = ctx;
    json_t *object;
    int r;

    if ((r = conversation_to_json(l->store, row, &object, l->err)) != 0)
        return r;
    if (row->duplicate) {
        struct store_mem mem = STORE_MEM_INIT;
        struct store_conversation shown;

        if (store_conversation_get(l->store, row->group.id, &mem, &shown, NULL) == 0)
            json_object_set_new(object, "duplicateOf", rpc_hex_json(shown.group.id.data, shown.group.id.len));
        store_mem_free(&mem);
    }
    return json_array_append_new(l->array, object) == 0 ? 0 : ERR_NOMEM;
}

static int list_stored(struct rpc *rpc)
{
    struct store_conversations_query query = {0};
    struct listing l = {rpc->store, json_array(), &rpc->err};
    int r;

    if ((r = params_consent_states(rpc, &query.consent_states)) != 0 || (r = params_types(rpc, &query.types)) != 0 ||
        (r = rpc_int(rpc, "limit", 0, &query.limit)) != 0 ||
        (r = rpc_bool(rpc, "includeDuplicateDms", false, &query.duplicates)) != 0)
        goto done;
    if (!query.consent_states) {
        query.consent_states = STORE_CONSENT_BIT(STORE_CONSENT_UNKNOWN) | STORE_CONSENT_BIT(STORE_CONSENT_ALLOWED);
        query.hide_denied_peers = true;
    }
    r = store_conversations_each(rpc->store, &query, list_row, &l, &rpc->err);
done:
    if (r == 0)
        rpc->result = l.array;
    else
        json_decref(l.array);
    return r;
}

/* New chats first; without a network, what is stored. */
static int list(struct rpc *rpc)
{
    bool fetch;
    int r;

    if ((r = rpc_bool(rpc, "sync", true, &fetch)) != 0)
        return r;
    if (fetch && rpc->core->self.registered && (r = worker_online(rpc->core, &rpc->err)) == 0)
        r = welcomes_sync(rpc->core, NULL, &rpc->err);
    if (r == ERR_CANCELED || r == ERR_NOMEM || r == ERR_IO || r == ERR_CORRUPT)
        return r;
    return list_stored(rpc);
}

/* ---- new ones ---- */

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

/* The one there is needs no network: what is said in it waits. */
static int new_dm(struct rpc *rpc)
{
    struct err offline = {0};
    char inbox_id[65];
    uint8_t id[16];
    int online = worker_online(rpc->core, &offline), r;

    if ((r = resolve_peer(rpc->core, json_object_get(rpc->params, "peer"), inbox_id, &rpc->err)) != 0)
        return r;
    if (strcmp(inbox_id, rpc->core->self.inbox_id) == 0)
        return err_set(&rpc->err, ERR_INVALID, _("that is yourself: a chat needs somebody else"));
    if (online != 0 && dm_find(rpc->core, inbox_id, id, NULL) == 0)
        return reply_with(rpc, id);
    if (online != 0) {
        rpc->err = offline;
        return online;
    }
    if ((r = dm_find_or_create(rpc->core, inbox_id, id, NULL, &rpc->err)) != 0)
        return r;
    return reply_with(rpc, id);
}

static int read_permissions(struct rpc *rpc, enum policy_preset *out)
{
    const char *name;
    int r;

    *out = PRESET_ALL_MEMBERS;
    if ((r = rpc_string(rpc, "permissions", false, &name)) != 0 || !name || strcmp(name, "all-members") == 0)
        return r;
    if (strcmp(name, "admin-only") != 0)
        return err_set(&rpc->err, ERR_INVALID, _("\"%.40s\": permissions are all-members or admin-only"), name);
    *out = PRESET_ADMIN_ONLY;
    return 0;
}

static int new_group(struct rpc *rpc)
{
    struct group_options options = {0};
    char(*ids)[65] = NULL;
    const char **at = NULL;
    uint8_t id[16];
    size_t n;
    int r;

    if ((r = rpc_string(rpc, "name", false, &options.name)) != 0 ||
        (r = rpc_string(rpc, "description", false, &options.description)) != 0 ||
        (r = rpc_string(rpc, "imageUrl", false, &options.image_url)) != 0 ||
        (r = read_permissions(rpc, &options.permissions)) != 0 || (r = worker_online(rpc->core, &rpc->err)) != 0 ||
        (r = params_peers(rpc, "peers", &ids, &at, &n)) != 0)
        return r;
    r = group_create(rpc->core, &options, at, n, id, &rpc->err);
    xm_free(ids);
    xm_free(at);
    return r == 0 ? reply_with(rpc, id) : r;
}

/* ---- syncing ---- */

static int sync_welcomes(struct rpc *rpc)
{
    size_t joined = 0;
    int r;

    if ((r = worker_online(rpc->core, &rpc->err)) != 0 || (r = welcomes_sync(rpc->core, &joined, &rpc->err)) != 0)
        return r;
    rpc->result = json_pack("{s:I}", "new", (json_int_t)joined);
    return 0;
}

static int sync_everything(struct rpc *rpc)
{
    struct sync_all_result result = {0};
    unsigned states;
    int r;

    if ((r = params_consent_states(rpc, &states)) != 0 || (r = worker_online(rpc->core, &rpc->err)) != 0 ||
        (r = sync_all(rpc->core, states, &result, &rpc->err)) != 0)
        return r;
    rpc->result = json_pack("{s:I,s:I,s:I}", "eligible", (json_int_t)result.eligible, "synced",
                            (json_int_t)result.synced, "messages", (json_int_t)result.messages);
    return 0;
}

/* ---- HMAC keys ---- */

struct key_listing {
    const uint8_t *root;
    int64_t period;
    json_t *object;
};

static int add_keys(void *ctx, const struct store_conversation *row)
{
    struct key_listing *l = ctx;
    char id[2 * GROUP_ID_LEN + 1];
    uint8_t key[HMAC_KEY_LEN];
    json_t *list = json_array();

    for (int64_t period = l->period - 1; period <= l->period + 1; period++) {
        hmac_derive(l->root, row->group.id.data, period, key);
        json_array_append_new(list, json_pack("{s:I,s:o}", "epoch", (json_int_t)period, "key",
                                              rpc_hex_json(key, sizeof key)));
    }
    sodium_memzero(key, sizeof key);
    hex_encode(row->group.id.data, GROUP_ID_LEN, id);
    return json_object_set_new(l->object, id, list) == 0 ? 0 : ERR_NOMEM;
}

static int hmac_keys(struct rpc *rpc)
{
    struct store_conversations_query query = {
        .consent_states = STORE_CONSENT_BIT(STORE_CONSENT_UNKNOWN) | STORE_CONSENT_BIT(STORE_CONSENT_ALLOWED),
        .duplicates = true,
        .bare = true};
    uint8_t root[HMAC_ROOT_LEN];
    struct key_listing l = {root, hmac_period(core_now_ns(rpc->core)), NULL};
    int r;

    if ((r = hmac_root(rpc->core, root, &rpc->err)) != 0)
        return r;
    l.object = json_object();
    r = store_conversations_each(rpc->store, &query, add_keys, &l, &rpc->err);
    sodium_memzero(root, sizeof root);
    if (r == 0)
        rpc->result = l.object;
    else
        json_decref(l.object);
    return r;
}

const struct rpc_method conversations_methods[] = {
    {"conversations.list", list, list_stored, 0},
    {"conversations.newDm", new_dm, NULL, 0},
    {"conversations.createDm", new_dm, NULL, 0},
    {"conversations.newGroup", new_group, NULL, 0},
    {"conversations.createGroup", new_group, NULL, 0},
    {"conversations.sync", sync_welcomes, NULL, 0},
    {"conversations.syncAll", sync_everything, NULL, 0},
    {"conversations.hmacKeys", hmac_keys, NULL, 0},
    {NULL, NULL, NULL, 0},
};
