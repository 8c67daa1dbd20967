/* client.*: what changes the inbox: its installations, accounts and recovery identifier; and the way out for the key
 * of the wallet that is kept here. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/i18n.h"
#include "crypto/ed25519.h"
#include "crypto/eth.h"
#include "identity/request.h"
#include "identity/state.h"
#include "sync/account.h"
#include "sync/core.h"
#include "sync/inboxes.h"
#include "sync/params.h"
#include "sync/pref_tasks.h"
#include "sync/registration.h"
#include "sync/rpc.h"
#include "sync/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- changing the inbox ---- */

/* Publishes a change; where the wallet that must sign is elsewhere, asks for its signature. */
static int settle(struct rpc *rpc, struct identity_request *request)
{
    struct account_need need = {0};
    int r = account_publish(rpc->core, request, &need, &rpc->err);

    return r == ERR_AUTH && need.text ? params_signature_needed(rpc, need.request_id, need.text) : r;
}

/* The second call: whether it is one, and what came of it. */
static bool signature_came(struct rpc *rpc, int *r)
{
    uint8_t signature[65];
    const char *request_id;

    if (!json_object_get(rpc->params, "signature"))
        return false;
    if ((*r = params_signature(rpc, signature, &request_id)) == 0)
        *r = account_finish(rpc->core, request_id, slice_of(signature, sizeof signature), &rpc->err);
    return true;
}

/* The inbox as the network has it; borrowed until the next wait. */
static int newest_state(struct rpc *rpc, const struct identity_state **out)
{
    const char *inbox_id = rpc->core->self.inbox_id;
    int r;

    if ((r = worker_online(rpc->core, &rpc->err)) != 0 || (r = inbox_load(rpc->core, &inbox_id, 1, &rpc->err)) != 0)
        return r;
    return inbox_state_at(rpc->core, inbox_id, 0, out, &rpc->err);
}

/* ---- revoking ---- */

static int collect_revoked(struct rpc *rpc, const struct identity_state *state, struct ident *out, size_t *n)
{
    struct slice own = slice_of(rpc->core->self.installation_id, INSTALLATION_ID_LEN);
    const struct identity_member *m;
    json_t *ids, *id;
    bool all_others;
    size_t i;
    int r;

    if ((r = rpc_bool(rpc, "allOthers", false, &all_others)) != 0 ||
        (r = rpc_strings(rpc, "ids", !all_others, &ids)) != 0)
        return r;
    for (i = 0; (m = identity_state_nth(state, IDENT_INSTALLATION, i)); i++) {
        char hex[2 * INSTALLATION_ID_LEN + 1];
        bool wanted = all_others && !slice_eq(m->id.value, own);
        size_t k;

        hex_encode(m->id.value.data, INSTALLATION_ID_LEN, hex);
        json_array_foreach(ids, k, id)
            wanted |= strlen(json_string_value(id)) >= 4 &&
                      strncmp(hex, json_string_value(id), strlen(json_string_value(id))) == 0;
        if (wanted)
            out[(*n)++] = m->id;
    }
    if (!all_others && *n < json_array_size(ids))
        return err_set(&rpc->err, ERR_NOTFOUND, _("not every one of these is an installation of this inbox"));
    return 0;
}

/* Installations go, by themselves or with their account: what is owed then is noted before. */
static int publish_revocation(struct rpc *rpc, const struct identity_state *state, const struct ident *revoked, size_t n)
{
    struct identity_request *request;
    int64_t revocation;
    int r = pref_tasks_before_revocation(rpc->core, &revocation, &rpc->err);

    if (r != 0)
        return r;
    if (!signature_came(rpc, &r) && (r = request_revocation(state, revoked, n, (uint64_t)core_now_ns(rpc->core),
                                                            &request, &rpc->err)) == 0)
        r = settle(rpc, request);
    pref_tasks_after_revocation(rpc->core, revocation, r);
    return r;
}

static int revoke_installations(struct rpc *rpc)
{
    const struct identity_state *state;
    struct ident *revoked = NULL;
    size_t n = 0;
    int r;

    if ((r = newest_state(rpc, &state)) != 0)
        return r;
    revoked = xm_calloc(state->members_n + 1, sizeof *revoked);
    if (!revoked)
        return err_set(&rpc->err, ERR_NOMEM, "out of memory");
    if ((r = collect_revoked(rpc, state, revoked, &n)) != 0)
        goto done;
    rpc->result = json_pack("{s:[]}", "revoked");
    for (size_t i = 0; i < n; i++)
        json_array_append_new(json_object_get(rpc->result, "revoked"),
                              rpc_hex_json(revoked[i].value.data, revoked[i].value.len));
    if (!n)
        goto done;
    r = publish_revocation(rpc, state, revoked, n);
done:
    xm_free(revoked);
    return r;
}

/* ---- accounts ---- */

static int address_param(struct rpc *rpc, char out[ETH_ADDRESS_LEN + 1])
{
    const char *text;
    int r = rpc_string(rpc, "address", true, &text);

    return r == 0 ? ident_parse_address(text, out, &rpc->err) : r;
}

/* The wallet of the account to be added, where its key is given; its address is known by the key alone. */
static int new_wallet(struct rpc *rpc, struct eth_key *wallet, bool *given, char address[ETH_ADDRESS_LEN + 1])
{
    char named[ETH_ADDRESS_LEN + 1];
    uint8_t key[32];
    int r = params_wallet_key(rpc, false, key, given);

    if (r == 0 && *given && (r = eth_from_secret(key, wallet)) != 0)
        r = err_set(&rpc->err, ERR_INVALID, "%s", _("this is no secp256k1 private key"));
    sodium_memzero(key, sizeof key);
    if (r != 0 || !*given)
        return r != 0 ? r : address_param(rpc, address);
    eth_address(wallet, address);
    if (json_object_get(rpc->params, "address") && (r = address_param(rpc, named)) == 0 && strcmp(named, address) != 0)
        r = err_set(&rpc->err, ERR_INVALID, _("the key is that of %s, not of %s"), address, named);
    return r;
}

/* An account leads to one inbox. */
static int check_free(struct rpc *rpc, const char *address)
{
    char inbox_id[65];
    int r;

    if ((r = worker_online(rpc->core, &rpc->err)) != 0)
        return r;
    r = inbox_resolve_address(rpc->core, address, inbox_id, &rpc->err);
    if (r == 0 && strcmp(inbox_id, rpc->core->self.inbox_id) != 0)
        return err_set(&rpc->err, ERR_EXISTS, _("%s has an inbox of its own already"), address);
    return r == ERR_NOTFOUND ? 0 : r;
}

static int publish_account(struct rpc *rpc, const char *address, const struct eth_key *wallet)
{
    const struct identity_state *state;
    struct identity_request *request;
    struct ed25519_key installation = {0};
    int r;

    if ((r = check_free(rpc, address)) != 0 || (r = newest_state(rpc, &state)) != 0)
        return r;
    ed25519_from_seed(rpc->core->self.seed, &installation);
    r = request_account(state, ident_ethereum(address), &installation, (uint64_t)core_now_ns(rpc->core), &request,
                        &rpc->err);
    ed25519_wipe(&installation);
    if (r != 0)
        return r;
    if (wallet && (r = request_sign_wallet(request, wallet, &rpc->err)) != 0) {
        request_free(request);
        return r;
    }
    return settle(rpc, request);
}

static int add_account(struct rpc *rpc)
{
    struct eth_key wallet = {0};
    char address[ETH_ADDRESS_LEN + 1];
    bool given;
    int r = new_wallet(rpc, &wallet, &given, address);

    if (r == 0 && !signature_came(rpc, &r))
        r = publish_account(rpc, address, given ? &wallet : NULL);
    eth_wipe(&wallet);
    if (r == 0)
        rpc->result = json_pack("{s:s}", "address", address);
    return r;
}

/* An account takes along the installations that were registered with it; this one must not be among them. */
static int check_removable(struct rpc *rpc, const struct identity_state *state, const char *address)
{
    const struct identity_member *self = identity_state_member(state, ident_installation(rpc->core->self.installation_id));
    struct ident account = ident_ethereum(address);

    if (!identity_state_member(state, account))
        return err_set(&rpc->err, ERR_NOTFOUND, _("%s is no account of this inbox"), address);
    if (self && self->has_added_by && ident_eq(self->added_by, account))
        return err_set(&rpc->err, ERR_DENIED,
                       _("this installation was registered with %s and would be revoked with it: remove it from one "
                         "that was registered with another account"),
                       address);
    return 0;
}

static int remove_account(struct rpc *rpc)
{
    const struct identity_state *state;
    char address[ETH_ADDRESS_LEN + 1];
    struct ident account;
    int r;

    if ((r = address_param(rpc, address)) != 0)
        return r;
    account = ident_ethereum(address);
    if ((r = newest_state(rpc, &state)) != 0 || (r = check_removable(rpc, state, address)) != 0 ||
        (r = publish_revocation(rpc, state, &account, 1)) != 0)
        return r;
    rpc->result = json_pack("{s:s}", "address", address);
    return 0;
}

static int change_recovery_identifier(struct rpc *rpc)
{
    const struct identity_state *state;
    struct identity_request *request;
    char address[ETH_ADDRESS_LEN + 1];
    int r;

    if ((r = address_param(rpc, address)) != 0)
        return r;
    if (!signature_came(rpc, &r) && (r = newest_state(rpc, &state)) == 0 &&
        (r = request_recovery(state, ident_ethereum(address), (uint64_t)core_now_ns(rpc->core), &request,
                              &rpc->err)) == 0)
        r = settle(rpc, request);
    if (r == 0)
        rpc->result = json_pack("{s:s}", "recoveryIdentifier", address);
    return r;
}

/* ---- the key ---- */

/* A file that only its owner can read, and that was not there before. */
static int write_key_file(const char *path, const uint8_t key[32], struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), r = 0;
    char hex[2 * 32 + 2];

    if (fd < 0)
        return errno == EEXIST ? err_set(err, ERR_EXISTS, _("%s is there already: name a new file"), path)
                               : err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    hex_encode(key, 32, hex);
    hex[64] = '\n';
    if (fchmod(fd, 0600) != 0 || write(fd, hex, 65) != 65 || fsync(fd) != 0)
        r = err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    sodium_memzero(hex, sizeof hex);
    if (close(fd) != 0 && r == 0)
        r = err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    if (r != 0)
        unlink(path);
    return r;
}

static int export_key(struct rpc *rpc)
{
    struct eth_key wallet = {0};
    char address[ETH_ADDRESS_LEN + 1];
    const char *file;
    uint8_t key[32];
    int r;

    if ((r = rpc_string(rpc, "file", true, &file)) != 0)
        return r;
    r = registration_wallet_key(rpc->core, key, &rpc->err);
    if (r == ERR_NOTFOUND)
        r = err_set(&rpc->err, r, "%s", _("no wallet key is kept here: the wallet is elsewhere"));
    if (r == 0 && eth_from_secret(key, &wallet) != 0)
        r = err_set(&rpc->err, ERR_CORRUPT, "the stored wallet key is none");
    if (r == 0 && (r = write_key_file(file, key, &rpc->err)) == 0) {
        eth_address(&wallet, address);
        rpc->result = json_pack("{s:s,s:s}", "file", file, "address", address);
    }
    sodium_memzero(key, sizeof key);
    eth_wipe(&wallet);
    return r;
}

const struct rpc_method account_methods[] = {
    {"client.revokeInstallations", revoke_installations, NULL, 0},
    {"client.addAccount", add_account, NULL, 0},
    {"client.removeAccount", remove_account, NULL, 0},
    {"client.changeRecoveryIdentifier", change_recovery_identifier, NULL, 0},
    {"client.exportKey", export_key, NULL, 0},
    {NULL, NULL, NULL, 0},
};
