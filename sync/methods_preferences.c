/* preferences.*: consent, its log, and the preferences group. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/i18n.h"
#include "store/consent.h"
#include "store/groups.h"
#include "store/installation.h"
#include "store/preferences.h"
#include "store/settings.h"
#include "sync/consent.h"
#include "sync/consent_json.h"
#include "sync/core.h"
#include "sync/group.h"
#include "sync/params.h"
#include "sync/pref_tasks.h"
#include "sync/prefs.h"
#include "sync/resolve.h"
#include "sync/rpc.h"
#include "sync/worker.h"

#include <stdio.h>
#include <string.h>

#define CHOICES_MAX 1000
#define LOG_DEFAULT 100

static int sync_preferences(struct rpc *rpc)
{
    size_t updates = 0;
    int r;

    if ((r = worker_online(rpc->core, &rpc->err)) != 0 || (r = prefs_sync(rpc->core, &updates, &rpc->err)) != 0)
        return r;
    rpc->result = json_pack("{s:I}", "updates", (json_int_t)updates);
    return 0;
}

/* For a program that ends at once: what was decided goes to the other installations first, and what they
 * are owed is done. */
static int publish(struct rpc *rpc)
{
    int64_t before = 0, after = 0;
    int r = store_preferences_count(rpc->store, &before, &rpc->err);

    if (r == 0 && (before > 0 || pref_tasks_due(rpc->core)) &&
        ((r = worker_online(rpc->core, &rpc->err)) != 0 || (r = pref_tasks_run(rpc->core, &rpc->err)) != 0 ||
         (r = prefs_flush(rpc->core, &rpc->err)) != 0))
        return r;
    if (r == 0 && (r = store_preferences_count(rpc->store, &after, &rpc->err)) == 0)
        rpc->result = json_pack("{s:I}", "published", (json_int_t)(before > after ? before - after : 0));
    return r;
}

/* ---- lists of choices ---- */

struct choices {
    struct consent_choice *at;
    size_t n, cap;
};

static int add_choice(struct choices *list, enum consent_entity type, const char *entity, enum consent_state state)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->at[i].type == type && strcmp(list->at[i].entity, entity) == 0) {
            list->at[i].state = state;
            return 0;
        }
    if (list->n == list->cap) {
        size_t cap = list->cap ? 2 * list->cap : 8;
        void *grown = xm_realloc(list->at, cap, sizeof *list->at);

        if (!grown)
            return ERR_NOMEM;
        list->at = grown;
        list->cap = cap;
    }
    list->at[list->n].type = type;
    list->at[list->n].state = state;
    snprintf(list->at[list->n].entity, sizeof list->at[list->n].entity, "%s", entity);
    list->n++;
    return 0;
}

/* One batch, one transaction, one message to our other installations. */
static int write_choices(struct rpc *rpc, const struct choices *list, size_t *changed)
{
    int r;

    if ((r = core_begin(rpc->core, true, &rpc->err)) != 0)
        return r;
    if ((r = consent_set(rpc->core, list->at, list->n, CONSENT_SHARE, changed, &rpc->err)) != 0) {
        core_rollback(rpc->core);
        return r;
    }
    return core_commit(rpc->core, &rpc->err);
}

/* What is stored now for each choice: what was written, or stood there already. */
static int reply_with_records(struct rpc *rpc, const struct choices *list)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_consent record;
    json_t *array = json_array();
    int r = 0;

    for (size_t i = 0; i < list->n && r == 0; i++) {
        store_mem_reset(&mem);
        r = store_consent_get(rpc->store, (enum store_consent_type)list->at[i].type, list->at[i].entity, &mem, &record,
                              &rpc->err);
        if (r == 0)
            json_array_append_new(array, consent_record_json(&record));
        else if (r == ERR_NOTFOUND)
            r = 0;
    }
    store_mem_free(&mem);
    if (r != 0) {
        json_decref(array);
        return r;
    }
    rpc->result = json_pack("{s:o}", "records", array);
    return 0;
}

/* ---- setConsent: exactly the records given ---- */

static bool entity_ok(enum consent_entity type, const char *entity)
{
    size_t len = strlen(entity);

    return len == (type == CONSENT_INBOX ? 64u : 32u) && strspn(entity, "0123456789abcdef") == len;
}

static int read_record(struct rpc *rpc, json_t *record, struct choices *list)
{
    const char *type_name = json_string_value(json_object_get(record, "entityType"));
    const char *entity = json_string_value(json_object_get(record, "entity"));
    const char *state_name = json_string_value(json_object_get(record, "state"));
    enum consent_entity type;
    enum consent_state state;

    if (!type_name || !consent_entity_parse(type_name, &type))
        return err_set(&rpc->err, ERR_INVALID, _("\"entityType\" is inboxId or conversationId"));
    if (!entity || !entity_ok(type, entity))
        return err_set(&rpc->err, ERR_INVALID, _("\"entity\" must be %d lower-case hexadecimal digits"),
                       type == CONSENT_INBOX ? 64 : 32);
    if (!state_name || !consent_state_parse(state_name, &state))
        return err_set(&rpc->err, ERR_INVALID, _("\"state\" is unknown, allowed or denied"));
    return add_choice(list, type, entity, state);
}

static int set_consent(struct rpc *rpc)
{
    json_t *records = json_object_get(rpc->params, "records"), *record;
    struct choices list = {0};
    size_t i, changed = 0;
    int r = 0;

    if (!json_is_array(records) || json_array_size(records) > CHOICES_MAX)
        return err_set(&rpc->err, ERR_INVALID, _("\"records\" must be a list of at most %d"), CHOICES_MAX);
    json_array_foreach(records, i, record)
        if ((r = read_record(rpc, record, &list)) != 0)
            goto done;
    if ((r = write_choices(rpc, &list, &changed)) == 0)
        rpc->result = json_pack("{s:I}", "changed", (json_int_t)changed);
done:
    xm_free(list.at);
    return r;
}

/* ---- allow, block, reset: a person or a chat ---- */

struct dm_search {
    struct choices *list;
    const char *inbox_id;
    enum consent_state state;
};

static int add_dm(void *ctx, const struct store_group *group)
{
    struct dm_search *s = ctx;
    char id[2 * GROUP_ID_LEN + 1];

    if (!group->peer_inbox_id || strcmp(group->peer_inbox_id, s->inbox_id) != 0)
        return 0;
    hex_encode(group->id.data, GROUP_ID_LEN, id);
    return add_choice(s->list, CONSENT_CONVERSATION, id, s->state);
}

/* A person: the inbox record and one for every 1:1 chat with them, duplicates included.  A group: its own. */
static int add_target(struct rpc *rpc, const char *text, enum consent_state state, struct choices *list)
{
    struct dm_search search = {list, NULL, state};
    struct target target;
    char id[2 * GROUP_ID_LEN + 1];
    int r;

    if ((r = resolve_target(rpc->core, text, &target, &rpc->err)) != 0)
        return r;
    if (!target.inbox_id[0]) {
        hex_encode(target.group_id, GROUP_ID_LEN, id);
        return add_choice(list, CONSENT_CONVERSATION, id, state);
    }
    if (strcmp(target.inbox_id, rpc->core->self.inbox_id) == 0)
        return err_set(&rpc->err, ERR_INVALID, _("\"%.70s\" is yourself"), text);
    search.inbox_id = target.inbox_id;
    if ((r = add_choice(list, CONSENT_INBOX, target.inbox_id, state)) != 0)
        return r;
    return store_groups_each(rpc->store, STORE_TYPE_BIT(STORE_DM), add_dm, &search, &rpc->err);
}

static int decide(struct rpc *rpc, enum consent_state state)
{
    struct choices list = {0};
    json_t *targets, *target;
    size_t i;
    int r;

    if ((r = rpc_strings(rpc, "targets", true, &targets)) != 0)
        return r;
    if (!json_array_size(targets))
        return err_set(&rpc->err, ERR_INVALID, _("\"targets\" is empty"));
    json_array_foreach(targets, i, target)
        if ((r = add_target(rpc, json_string_value(target), state, &list)) != 0)
            goto done;
    if ((r = write_choices(rpc, &list, NULL)) == 0)
        r = reply_with_records(rpc, &list);
done:
    xm_free(list.at);
    return r;
}

static int allow(struct rpc *rpc)
{
    return decide(rpc, CONSENT_ALLOWED);
}

static int block(struct rpc *rpc)
{
    return decide(rpc, CONSENT_DENIED);
}

static int reset(struct rpc *rpc)
{
    return decide(rpc, CONSENT_UNKNOWN);
}

/* ---- undo ---- */

static int add_former(void *ctx, const struct store_consent_log *row)
{
    if (row->effect != STORE_EFFECT_CHANGED)
        return 0;
    return add_choice(ctx, (enum consent_entity)row->record.type, row->record.entity,
                      (enum consent_state)row->old_state);
}

/* The former states of everything decided together, as new decisions. */
static int undo(struct rpc *rpc)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_consent_log row;
    struct choices list = {0};
    int64_t id;
    int r;

    if ((r = rpc_int(rpc, "id", 0, &id)) != 0)
        return r;
    r = store_consent_log_get(rpc->store, id, &mem, &row, &rpc->err);
    if (r == ERR_NOTFOUND)
        err_set(&rpc->err, r, _("no row %lld in the log"), (long long)id);
    if (r == 0)
        r = row.batch ? store_consent_log_batch(rpc->store, row.batch, add_former, &list, &rpc->err)
                      : add_former(&list, &row);
    if (r == 0 && !list.n)
        r = err_set(&rpc->err, ERR_INVALID, _("row %lld changed nothing, so there is nothing to undo"), (long long)id);
    if (r == 0 && (r = write_choices(rpc, &list, NULL)) == 0)
        r = reply_with_records(rpc, &list);
    store_mem_free(&mem);
    xm_free(list.at);
    return r;
}

/* ---- reading ---- */

/* {state, consentedAtNs, origin}; no record and `unknown` read the same. */
static int reply_with_state(struct rpc *rpc, enum consent_entity type, const char *entity)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_consent record;
    json_t *full;
    int r = store_consent_get(rpc->store, (enum store_consent_type)type, entity, &mem, &record, &rpc->err);

    if (r == ERR_NOTFOUND) {
        rpc->result = json_pack("{s:s,s:n,s:n}", "state", "unknown", "consentedAtNs", "origin");
        r = 0;
    } else if (r == 0 && (full = consent_record_json(&record))) {
        json_object_del(full, "entityType");
        json_object_del(full, "entity");
        rpc->result = full;
    }
    store_mem_free(&mem);
    return r;
}

static int get_consent(struct rpc *rpc)
{
    const char *type_name, *entity;
    enum consent_entity type;
    int r;

    if ((r = rpc_string(rpc, "entityType", true, &type_name)) != 0 ||
        (r = rpc_string(rpc, "entity", true, &entity)) != 0)
        return r;
    if (!consent_entity_parse(type_name, &type) || !entity_ok(type, entity))
        return err_set(&rpc->err, ERR_INVALID, _("an entity is an inboxId of 64 digits or a conversationId of 32"));
    return reply_with_state(rpc, type, entity);
}

/* ---- of one conversation, by whatever it is called ---- */

static int conversation_entity(struct rpc *rpc, char out[2 * GROUP_ID_LEN + 1])
{
    uint8_t id[16];
    int r = params_conversation(rpc, id);

    if (r == 0)
        hex_encode(id, GROUP_ID_LEN, out);
    return r;
}

static int conversation_state(struct rpc *rpc)
{
    char entity[2 * GROUP_ID_LEN + 1];
    int r = conversation_entity(rpc, entity);

    return r == 0 ? reply_with_state(rpc, CONSENT_CONVERSATION, entity) : r;
}

static int update_conversation(struct rpc *rpc)
{
    char entity[2 * GROUP_ID_LEN + 1];
    struct choices list = {0};
    enum consent_state state;
    size_t changed = 0;
    const char *name;
    int r;

    if ((r = rpc_string(rpc, "state", true, &name)) != 0 || (r = conversation_entity(rpc, entity)) != 0)
        return r;
    if (!consent_state_parse(name, &state))
        return err_set(&rpc->err, ERR_INVALID, _("\"state\" is unknown, allowed or denied"));
    if ((r = add_choice(&list, CONSENT_CONVERSATION, entity, state)) == 0 &&
        (r = write_choices(rpc, &list, &changed)) == 0)
        rpc->result = json_pack("{s:I}", "changed", (json_int_t)changed);
    xm_free(list.at);
    return r;
}

static int add_record(void *ctx, const struct store_consent *record)
{
    return json_array_append_new(ctx, consent_record_json(record)) == 0 ? 0 : ERR_NOMEM;
}

static int list(struct rpc *rpc)
{
    rpc->result = json_array();
    return store_consents_each(rpc->store, add_record, rpc->result, &rpc->err);
}

/* Where a decision came from, by our name for that installation. */
static void add_origin_nick(struct store *store, json_t *row)
{
    const char *origin = json_string_value(json_object_get(row, "origin")), *name;
    struct store_mem mem = STORE_MEM_INIT;

    if (origin && store_nickname_get(store, STORE_NICKNAME_INSTALLATION, origin, &mem, &name, NULL) == 0)
        json_object_set_new(row, "originNick", json_string(name));
    store_mem_free(&mem);
}

static int add_log_row(void *ctx, const struct store_consent_log *row)
{
    struct rpc *rpc = ctx;
    json_t *json = consent_log_json(row);

    add_origin_nick(rpc->store, json);
    return json_array_append_new(rpc->result, json) == 0 ? 0 : ERR_NOMEM;
}

static int read_log(struct rpc *rpc)
{
    int64_t limit, before;
    int r;

    if ((r = rpc_int(rpc, "limit", LOG_DEFAULT, &limit)) != 0 || (r = rpc_int(rpc, "beforeId", 0, &before)) != 0)
        return r;
    if (limit < 1 || limit > CHOICES_MAX)
        return err_set(&rpc->err, ERR_INVALID, _("\"limit\" must be 1 to %d"), CHOICES_MAX);
    rpc->result = json_array();
    return store_consent_log_page(rpc->store, before, (size_t)limit, add_log_row, rpc, &rpc->err);
}

/* ---- the preferences groups ---- */

struct group_listing {
    struct rpc *rpc;
    struct slice primary;
    json_t *array;
};

/* Installations are known where the group is loaded: on the background thread. */
static json_t *installations_json(struct rpc *rpc, struct slice id)
{
    struct group_member *members = NULL;
    json_t *list = json_array();
    struct group *g;
    size_t n = 0;

    if (!rpc->core || group_get(rpc->core, id.data, &g, NULL) != 0)
        return list;
    if (group_members(rpc->core, g, &members, &n, NULL) == 0)
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < members[i].n_installations; k++)
                json_array_append_new(list, rpc_hex_json(members[i].installations[k], INSTALLATION_ID_LEN));
    group_members_free(members, n);
    group_put(rpc->core, g);
    return list;
}

static int add_group(void *ctx, const struct store_group *row)
{
    struct group_listing *l = ctx;

    if (!row->trusted)
        return 0;
    return json_array_append_new(
        l->array, json_pack("{s:o,s:b,s:I,s:o}", "id", rpc_hex_json(row->id.data, row->id.len), "primary",
                            slice_eq(row->id, l->primary), "epoch", (json_int_t)row->epoch, "installations",
                            installations_json(l->rpc, row->id)));
}

static int state(struct rpc *rpc)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct group_listing l = {.rpc = rpc, .array = json_array()};
    struct store_group primary;
    int64_t cycled_at_ns = 0, outbox = 0;
    struct slice key;
    int r;

    r = store_group_primary_sync(rpc->store, &mem, &primary, &rpc->err);
    if (r == 0)
        l.primary = primary.id;
    if (r == 0 || r == ERR_NOTFOUND)
        r = store_groups_each(rpc->store, STORE_TYPE_BIT(STORE_SYNC), add_group, &l, &rpc->err);
    if (r == 0 && (r = store_hmac_key_get(rpc->store, &mem, &key, &cycled_at_ns, &rpc->err)) == ERR_NOTFOUND)
        r = 0;
    if (r == 0)
        r = store_preferences_count(rpc->store, &outbox, &rpc->err);
    if (r == 0)
        rpc->result = json_pack("{s:O,s:o,s:I}", "groups", l.array, "hmacCycledAtNs",
                                cycled_at_ns ? rpc_ns(cycled_at_ns) : json_null(), "outbox", (json_int_t)outbox);
    json_decref(l.array);
    store_mem_free(&mem);
    return r;
}

const struct rpc_method preferences_methods[] = {
    {"preferences.sync", sync_preferences, NULL, 0},
    {"preferences.publish", publish, NULL, 0},
    {"preferences.setConsent", set_consent, NULL, RPC_BEFORE_INIT},
    {"preferences.getConsent", NULL, get_consent, 0},
    {"conversation.consentState", NULL, conversation_state, 0},
    {"conversation.updateConsent", update_conversation, NULL, 0},
    {"preferences.allow", allow, NULL, RPC_BEFORE_INIT},
    {"preferences.block", block, NULL, RPC_BEFORE_INIT},
    {"preferences.reset", reset, NULL, RPC_BEFORE_INIT},
    {"preferences.undo", undo, NULL, RPC_BEFORE_INIT},
    {"preferences.list", NULL, list, 0},
    {"preferences.log", NULL, read_log, 0},
    {"preferences.state", NULL, state, 0},
    {NULL, NULL, NULL, 0},
};
