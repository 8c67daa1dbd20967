/* client.*: who we are, making this installation, our installations, names of our own.  What changes the inbox is
 * in methods_account.c. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/i18n.h"
#include "identity/state.h"
#include "net/node_api.h"
#include "store/groups.h"
#include "store/identity_log.h"
#include "store/installation.h"
#include "store/messages.h"
#include "store/settings.h"
#include "sync/account.h"
#include "sync/config.h"
#include "sync/core.h"
#include "sync/inbox_json.h"
#include "sync/inboxes.h"
#include "sync/params.h"
#include "sync/registration.h"
#include "sync/resolve.h"
#include "sync/rpc.h"
#include "sync/send.h"
#include "sync/streams.h"
#include "sync/worker.h"
#include "sync/xmtui/client.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static json_t *optional(const char *text)
{
    return text && *text ? json_string(text) : json_null();
}

/* ---- info ---- */

static int info(struct rpc *rpc)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_installation self = {0};
    struct slice address = {0};
    bool registered;
    int r = store_installation_get(rpc->store, &mem, &self, &rpc->err);

    if (r == 0)
        r = store_secret_get(rpc->store, STORE_SECRET_ADDRESS, &mem, &address, &rpc->err);
    if (r != 0 && r != ERR_NOTFOUND)
        goto done;
    r = 0;
    registered = self.registration == STORE_REGISTRATION_DONE;
    rpc->result =
        json_pack("{s:o,s:o,s:o,s:o,s:s,s:b}", "inboxId", registered ? optional(self.inbox_id) : json_null(),
                  "installationId",
                  registered ? rpc_hex_json(self.installation_id.data, self.installation_id.len) : json_null(),
                  "address", address.data ? json_stringn((const char *)address.data, address.len) : json_null(), "env",
                  rpc->core ? json_string(rpc->core->config->env) : optional(self.env), "version", xm_version(),
                  "registered", registered);
    if (rpc->core)
        json_object_set_new(rpc->result, "node", json_string(rpc->core->config->node_url));
done:
    store_mem_free(&mem);
    return r;
}

/* ---- init ---- */

static int init_external(struct rpc *rpc, const char *address)
{
    uint8_t signature[65];
    const char *given;
    char request_id[33], *text;
    int r;

    if (json_object_get(rpc->params, "signature")) {
        if ((r = params_signature(rpc, signature, &given)) != 0)
            return r;
        return registration_finish_external(rpc->core, given, slice_of(signature, sizeof signature), &rpc->err);
    }
    if (!address)
        return err_set(&rpc->err, ERR_INVALID, _("parameter \"%s\" is missing"), "address");
    if ((r = registration_begin_external(rpc->core, address, request_id, &text, &rpc->err)) != 0)
        return r;
    return params_signature_needed(rpc, request_id, text);
}

static int init_with_key(struct rpc *rpc)
{
    uint8_t key[32];
    bool given;
    int r = params_wallet_key(rpc, true, key, &given);

    if (r == 0)
        r = registration_with_wallet(rpc->core, key, &rpc->err);
    sodium_memzero(key, sizeof key);
    return r;
}

/* The other home is only read, so it may be in use.  Its key: the one named, else its db.key. */
static int open_other_home(struct rpc *rpc, const char *home, struct store **out)
{
    const char *passphrase, *db_key;
    uint8_t key_bytes[STORE_KEY_LEN] = {0};
    struct store_key key = {STORE_KEY_RAW, slice_of(key_bytes, sizeof key_bytes)};
    int r;

    if ((r = rpc_string(rpc, "passphrase", false, &passphrase)) != 0 ||
        (r = rpc_string(rpc, "dbKey", false, &db_key)) != 0)
        return r;
    if (xm_home_inspect(home) == XM_HOME_NEW)
        return err_set(&rpc->err, ERR_NOTFOUND, _("there is no installation in %s"), home);
    if (passphrase)
        key = (struct store_key){STORE_KEY_PASSPHRASE, slice_str(passphrase)};
    else if (db_key && !hex_decode(db_key, strlen(db_key), key_bytes, sizeof key_bytes))
        r = err_set(&rpc->err, ERR_INVALID, _("a database key is 64 hexadecimal digits"));
    else if (!db_key && (r = store_key_file_read(home, key_bytes, &rpc->err)) == ERR_NOTFOUND)
        r = err_set(&rpc->err, ERR_KEY, "%s", _("its database key is needed"));
    if (r == 0)
        r = store_open_read_only(home, &key, NULL, out, &rpc->err);
    sodium_memzero(key_bytes, sizeof key_bytes);
    return r != 0 ? err_wrap(&rpc->err, r, "%s", home) : 0;
}

static int init_same_as(struct rpc *rpc)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store *other = NULL;
    struct slice key = {0}, address = {0};
    const char *home;
    char text[64];
    int r;

    if (json_object_get(rpc->params, "signature"))
        return init_external(rpc, NULL);
    if ((r = rpc_string(rpc, "home", true, &home)) != 0 || (r = open_other_home(rpc, home, &other)) != 0)
        return r;
    r = store_secret_get(other, STORE_SECRET_WALLET_KEY, &mem, &key, &rpc->err);
    if (r == 0 && key.len == 32) {
        r = registration_with_wallet(rpc->core, key.data, &rpc->err);
    } else if (r == ERR_NOTFOUND && store_secret_get(other, STORE_SECRET_ADDRESS, &mem, &address, &rpc->err) == 0) {
        /* That person's wallet is elsewhere: it signs for this installation too. */
        snprintf(text, sizeof text, "%.*s", (int)address.len, (const char *)address.data);
        r = init_external(rpc, text);
    } else if (r == ERR_NOTFOUND) {
        r = err_set(&rpc->err, ERR_NOTFOUND, _("%s has no identity yet"), home);
    }
    store_mem_free(&mem);
    store_close(other);
    return r;
}

static int keep_label(struct rpc *rpc, const char *label)
{
    char id[2 * INSTALLATION_ID_LEN + 1];
    int r;

    if (!label || !*label)
        return 0;
    hex_encode(rpc->core->self.installation_id, INSTALLATION_ID_LEN, id);
    if ((r = core_begin(rpc->core, false, &rpc->err)) != 0)
        return r;
    if ((r = store_nickname_put(rpc->store, STORE_NICKNAME_INSTALLATION, id, label, &rpc->err)) != 0) {
        core_rollback(rpc->core);
        return r;
    }
    return core_commit(rpc->core, &rpc->err);
}

static int init(struct rpc *rpc)
{
    const char *mode, *address, *label;
    bool before = rpc->core->self.registered;
    int r;

    if ((r = rpc_string(rpc, "mode", true, &mode)) != 0 || (r = rpc_string(rpc, "address", false, &address)) != 0 ||
        (r = rpc_string(rpc, "label", false, &label)) != 0 || (r = worker_online(rpc->core, &rpc->err)) != 0)
        return r;
    if (strcmp(mode, "new") == 0)
        r = before ? err_set(&rpc->err, ERR_EXISTS, _("this home has an identity already"))
                   : registration_new_wallet(rpc->core, &rpc->err);
    else if (strcmp(mode, "walletKey") == 0)
        r = init_with_key(rpc);
    else if (strcmp(mode, "external") == 0)
        r = init_external(rpc, address);
    else if (strcmp(mode, "sameAs") == 0)
        r = init_same_as(rpc);
    else
        r = err_set(&rpc->err, ERR_INVALID, _("\"mode\" is new, walletKey, external or sameAs"));
    if (r != 0 || (r = keep_label(rpc, label)) != 0)
        return r;
    if (!before && rpc->core->self.registered)
        worker_registered(rpc->core);
    return info(rpc);
}

/* ---- others ---- */

static int can_message(struct rpc *rpc)
{
    json_t *peers = json_object_get(rpc->params, "peers"), *peer;
    size_t i;
    int r;

    if (!json_is_array(peers))
        return err_set(&rpc->err, ERR_INVALID, _("parameter \"%s\" must be a list of peers"), "peers");
    if ((r = worker_online(rpc->core, &rpc->err)) != 0)
        return r;
    rpc->result = json_object();
    json_array_foreach(peers, i, peer) {
        const char *name = json_string_value(peer) ?: json_string_value(json_object_get(peer, "address"))
                                                   ?: json_string_value(json_object_get(peer, "inboxId"));
        char inbox_id[65];
        const char *at = inbox_id;
        uint64_t latest = 0;

        r = resolve_peer(rpc->core, peer, inbox_id, &rpc->err);
        if (r == 0 && (r = inbox_load(rpc->core, &at, 1, &rpc->err)) == 0)
            r = inbox_latest(rpc->core, inbox_id, &latest, &rpc->err);
        if (r != 0 && r != ERR_NOTFOUND)
            return r;
        json_object_set_new(rpc->result, name, json_boolean(r == 0 && latest != 0));
    }
    return 0;
}

/* Our names for our installations, and when each was last heard. */
static void add_own_facts(struct store *store, json_t *installations)
{
    struct store_mem mem = STORE_MEM_INIT;
    json_t *item;
    size_t i;

    json_array_foreach(installations, i, item) {
        const char *id = json_string_value(json_object_get(item, "id")), *name;
        uint8_t raw[INSTALLATION_ID_LEN];
        int64_t heard = 0;

        if (store_nickname_get(store, STORE_NICKNAME_INSTALLATION, id, &mem, &name, NULL) == 0)
            json_object_set_new(item, "nick", json_string(name));
        hex_decode(id, strlen(id), raw, sizeof raw);
        if (store_installation_heard(store, slice_of(raw, sizeof raw), &heard, NULL) == 0 && heard)
            json_object_set_new(item, "lastHeardNs", rpc_ns(heard));
    }
    store_mem_free(&mem);
}

static int inbox_state(struct rpc *rpc)
{
    const struct identity_state *state;
    json_t *installations;
    const char *inbox_id;
    bool refresh;
    int r;

    if ((r = rpc_string(rpc, "inboxId", false, &inbox_id)) != 0 ||
        (r = rpc_bool(rpc, "refresh", !rpc->core->offline, &refresh)) != 0)
        return r;
    if (!inbox_id && !rpc->core->self.registered)
        return rpc_not_registered(rpc);
    if (!inbox_id)
        inbox_id = rpc->core->self.inbox_id;
    if (refresh && ((r = worker_online(rpc->core, &rpc->err)) != 0 ||
                    (r = inbox_load(rpc->core, &inbox_id, 1, &rpc->err)) != 0))
        return r;
    if ((r = inbox_state_at(rpc->core, inbox_id, 0, &state, &rpc->err)) != 0)
        return r;
    installations = inbox_installations_json(state, slice_of(rpc->core->self.installation_id, INSTALLATION_ID_LEN));
    if (strcmp(inbox_id, rpc->core->self.inbox_id) == 0)
        add_own_facts(rpc->store, installations);
    rpc->result = json_pack("{s:s,s:o,s:o,s:o}", "inboxId", inbox_id, "recoveryIdentifier", inbox_recovery_json(state),
                            "identifiers", inbox_identifiers_json(state), "installations", installations);
    return 0;
}

struct log_copy {
    struct identity_log_entry *at;
    size_t n, cap;
};

static int copy_update(void *ctx, const struct store_identity_update *row)
{
    struct log_copy *log = ctx;
    struct bytes copy;

    if (log->n == log->cap) {
        size_t cap = log->cap ? 2 * log->cap : 16;
        void *grown = xm_realloc(log->at, cap, sizeof *log->at);

        if (!grown)
            return ERR_NOMEM;
        log->at = grown;
        log->cap = cap;
    }
    if (bytes_dup(row->payload, &copy) != 0)
        return ERR_NOMEM;
    log->at[log->n++] = (struct identity_log_entry){(uint64_t)row->sequence_id, bytes_slice(&copy)};
    return 0;
}

/* The newest state of an inbox from the store alone: what a reader can have too. */
static int stored_state(struct store *store, const char *inbox_id, struct identity_state **out, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct log_copy log = {0};
    struct slice cached;
    int64_t newest;
    int r;

    if ((r = store_identity_updates_newest(store, inbox_id, &newest, err)) != 0)
        return r;
    r = store_association_get(store, inbox_id, newest, &mem, &cached, err);
    if (r == 0)
        r = identity_state_read(cached, (uint64_t)newest, out, err);
    else if (r == ERR_NOTFOUND && (r = store_identity_updates_each(store, inbox_id, 0, 0, copy_update, &log, err)) == 0)
        r = identity_state_at(NULL, log.at, log.n, 0, NULL, out, NULL, err);
    for (size_t i = 0; i < log.n; i++)
        xm_free((void *)(uintptr_t)log.at[i].update.data);
    xm_free(log.at);
    store_mem_free(&mem);
    return r;
}

/* Our installations as last known, with our names for them; no network. */
static int installations(struct rpc *rpc)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct identity_state *state = NULL;
    struct store_installation self;
    int r = store_installation_get(rpc->store, &mem, &self, &rpc->err);

    if (r == ERR_NOTFOUND || (r == 0 && self.registration != STORE_REGISTRATION_DONE)) {
        rpc->result = json_array();
        r = 0;
        goto done;
    }
    if (r != 0 || (r = stored_state(rpc->store, self.inbox_id, &state, &rpc->err)) != 0)
        goto done;
    rpc->result = inbox_installations_json(state, self.installation_id);
    add_own_facts(rpc->store, rpc->result);
done:
    identity_state_free(state);
    store_mem_free(&mem);
    return r;
}

/* ---- network ---- */

static int network(struct rpc *rpc)
{
    uint64_t heard = rpc->core->api ? node_last_heard_ms(rpc->core->api) : 0;
    size_t waiting = 0;
    int r = outbox_size(rpc->core, &waiting, &rpc->err);

    if (r != 0)
        return r;
    rpc->result = json_pack("{s:s,s:I,s:I}", "state", streams_network_state(rpc->core), "lastHeardMs",
                            heard ? (json_int_t)(uv_now(rpc->core->loop) - heard) : (json_int_t)-1, "outbox",
                            (json_int_t)waiting);
    return 0;
}

/* ---- names of our own ---- */

static int is_installation(struct rpc *rpc, const char *text, char id[65])
{
    const struct identity_state *state;
    const struct identity_member *m;
    char hex[2 * INSTALLATION_ID_LEN + 1];
    unsigned found = 0;

    if (strlen(text) < 4 || !rpc->core->self.registered ||
        inbox_state_at(rpc->core, rpc->core->self.inbox_id, 0, &state, NULL) != 0)
        return 0;
    for (size_t i = 0; (m = identity_state_nth(state, IDENT_INSTALLATION, i)); i++) {
        hex_encode(m->id.value.data, INSTALLATION_ID_LEN, hex);
        if (strncmp(hex, text, strlen(text)) == 0) {
            memcpy(id, hex, sizeof hex);
            found++;
        }
    }
    return found == 1;
}

static int set_nick(struct rpc *rpc)
{
    enum store_nickname_of of = STORE_NICKNAME_INBOX;
    const char *text, *name;
    struct target target;
    char id[65];
    int r;

    if ((r = rpc_string(rpc, "target", true, &text)) != 0 || (r = rpc_string(rpc, "name", false, &name)) != 0)
        return r;
    if (is_installation(rpc, text, id)) {
        of = STORE_NICKNAME_INSTALLATION;
    } else {
        if ((r = resolve_target(rpc->core, text, &target, &rpc->err)) != 0)
            return r;
        if (!target.inbox_id[0])
            return err_set(&rpc->err, ERR_INVALID, _("\"%.70s\" is a group, not a person"), text);
        memcpy(id, target.inbox_id, sizeof id);
    }
    if ((r = core_begin(rpc->core, false, &rpc->err)) != 0)
        return r;
    if ((r = store_nickname_put(rpc->store, of, id, name ? name : "", &rpc->err)) != 0) {
        core_rollback(rpc->core);
        return r;
    }
    return core_commit(rpc->core, &rpc->err);
}

static int add_nick(void *ctx, enum store_nickname_of of, const char *entity, const char *name)
{
    (void)of;
    return json_array_append_new(ctx, json_pack("{s:s,s:s}", "target", entity, "name", name)) == 0 ? 0 : ERR_NOMEM;
}

static int list_nicks(struct rpc *rpc)
{
    rpc->result = json_array();
    return store_nicknames_each(rpc->store, add_nick, rpc->result, &rpc->err);
}

const struct rpc_method client_methods[] = {
    {"client.info", info, info, 0},
    {"client.init", init, NULL, RPC_BEFORE_INIT},
    {"client.canMessage", can_message, NULL, RPC_BEFORE_INIT},
    {"client.inboxState", inbox_state, NULL, RPC_BEFORE_INIT},
    {"client.installations", NULL, installations, 0},
    {"client.network", network, NULL, RPC_BEFORE_INIT},
    {"nick.set", set_nick, NULL, RPC_BEFORE_INIT},
    {"nick.list", NULL, list_nicks, 0},
    {NULL, NULL, NULL, 0},
};
