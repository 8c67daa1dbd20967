/* From a wallet to an installation that others can reach.
 *
 * What is needed to go on after a crash is one sealed secret, written with the installation's key
 * before the first upload: who, which inbox, when (the time stands in the signed text), and, once all
 * have signed, the identity update itself.  The order on the wire is key package, identity update,
 * reading it back; an update that the network has already is recognised by reading first. */
#include "sync/registration.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/i18n.h"
#include "base/reader.h"
#include "crypto/ed25519.h"
#include "crypto/eth.h"
#include "identity/credential.h"
#include "identity/request.h"
#include "identity/rotation.h"
#include "identity/state.h"
#include "net/node_api.h"
#include "store/installation.h"
#include "sync/core.h"
#include "sync/inboxes.h"
#include "sync/key_packages.h"

#include <stdio.h>
#include <string.h>

#define PENDING_VERSION 1

/* A registration under way. */
struct pending {
    bool creates; /* a new inbox; else one more installation of an old one */
    uint64_t time_ns;
    uint8_t request_id[16];
    char address[ETH_ADDRESS_LEN + 1];
    char inbox_id[INBOX_ID_LEN + 1];
    struct bytes update; /* empty until everybody has signed */
};

/* ---- what is stored ---- */

static int pending_read(struct core *core, struct pending *out, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct slice row, address, inbox, update;
    struct reader rd;
    uint8_t version;
    int r;

    *out = (struct pending){0};
    if ((r = store_secret_get(core->store, STORE_SECRET_PENDING, &mem, &row, err)) != 0)
        goto done;
    rd = reader_of(row);
    version = read_u8(&rd);
    out->creates = read_u8(&rd) != 0;
    out->time_ns = read_u64(&rd);
    struct slice id = read_bytes(&rd, sizeof out->request_id);
    address = read_bytes(&rd, ETH_ADDRESS_LEN);
    inbox = read_bytes(&rd, INBOX_ID_LEN);
    update = read_vec(&rd, IDENTITY_UPDATE_MAX);
    if (!reader_done(&rd) || version != PENDING_VERSION) {
        r = err_set(err, ERR_CORRUPT, "the stored registration does not decode");
        goto done;
    }
    memcpy(out->request_id, id.data, sizeof out->request_id);
    memcpy(out->address, address.data, ETH_ADDRESS_LEN);
    memcpy(out->inbox_id, inbox.data, INBOX_ID_LEN);
    if (update.len > 0 && bytes_dup(update, &out->update) != 0)
        r = err_set(err, ERR_NOMEM, "out of memory");
done:
    store_mem_free(&mem);
    return r;
}

static int pending_write(struct core *core, const struct pending *p, struct err *err)
{
    struct buf b = BUF_SECRET;
    int r;

    buf_put_u8(&b, PENDING_VERSION);
    buf_put_u8(&b, p->creates);
    buf_put_u64(&b, p->time_ns);
    buf_put(&b, p->request_id, sizeof p->request_id);
    buf_put(&b, p->address, ETH_ADDRESS_LEN);
    buf_put(&b, p->inbox_id, INBOX_ID_LEN);
    buf_put_vec(&b, bytes_slice(&p->update));
    r = buf_ok(&b) ? store_secret_put(core->store, STORE_SECRET_PENDING, buf_slice(&b), err)
                   : err_set(err, ERR_NOMEM, "out of memory");
    buf_free(&b);
    return r;
}

static void pending_free(struct pending *p)
{
    bytes_free(&p->update);
}

int registration_load(struct core *core, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_installation row;
    struct slice seed;
    int r = store_installation_get(core->store, &mem, &row, err);

    core->self.registered = false;
    if (r == ERR_NOTFOUND) {
        r = 0;
        goto done;
    }
    if (r != 0 || (r = store_secret_get(core->store, STORE_SECRET_SEED, &mem, &seed, err)) != 0)
        goto done;
    if (seed.len != 32 || row.installation_id.len != 32 || !row.inbox_id || strlen(row.inbox_id) != INBOX_ID_LEN) {
        r = err_set(err, ERR_CORRUPT, "the stored installation does not decode");
        goto done;
    }
    memcpy(core->self.seed, seed.data, 32);
    memcpy(core->self.installation_id, row.installation_id.data, 32);
    memcpy(core->self.inbox_id, row.inbox_id, INBOX_ID_LEN + 1);
    core->self.registered = row.registration == STORE_REGISTRATION_DONE;
done:
    store_mem_free(&mem);
    return r;
}

int registration_wallet_key(struct core *core, uint8_t out[32], struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct slice key;
    int r = store_secret_get(core->store, STORE_SECRET_WALLET_KEY, &mem, &key, err);

    if (r == 0 && key.len != 32)
        r = err_set(err, ERR_CORRUPT, "the stored wallet key has %zu bytes", key.len);
    if (r == 0)
        memcpy(out, key.data, 32);
    store_mem_free(&mem);
    return r;
}

/* ---- beginning ---- */

/* The key of the installation and everything to resume with, in one durable transaction. */
static int store_begun(struct core *core, const struct pending *p, const struct ed25519_key *key,
                       const struct eth_key *wallet, struct err *err)
{
    struct store_installation row = {.inbox_id = p->inbox_id,
                                     .env = core->env ? core->env : "local",
                                     .installation_id = slice_of(key->public_key, 32),
                                     .registration = STORE_REGISTRATION_PENDING,
                                     .created_at_ns = core_now_ns(core)};
    uint8_t credential[CREDENTIAL_LEN];
    int r;

    credential_write(p->inbox_id, credential);
    if ((r = core_begin(core, true, err)) != 0)
        return r;
    if ((r = store_installation_put(core->store, &row, err)) != 0 ||
        (r = store_secret_put(core->store, STORE_SECRET_SEED, slice_of(key->seed, 32), err)) != 0 ||
        (r = store_secret_put(core->store, STORE_SECRET_CREDENTIAL, slice_of(credential, sizeof credential), err)) !=
            0 ||
        (r = store_secret_put(core->store, STORE_SECRET_ADDRESS, slice_str(p->address), err)) != 0 ||
        (wallet && (r = store_secret_put(core->store, STORE_SECRET_WALLET_KEY, slice_of(wallet->secret, 32), err)) !=
                       0) ||
        (r = pending_write(core, p, err)) != 0) {
        core_rollback(core);
        return r;
    }
    if ((r = core_commit(core, err)) != 0)
        return r;
    memcpy(core->self.seed, key->seed, 32);
    memcpy(core->self.installation_id, key->public_key, 32);
    memcpy(core->self.inbox_id, p->inbox_id, sizeof core->self.inbox_id);
    return 0;
}

/* The request as it stands in `p`: built again it has the same text. */
static int build_request(struct core *core, struct pending *p, const struct ed25519_key *key,
                         struct identity_request **out, struct err *err)
{
    const struct identity_state *state;
    char derived[INBOX_ID_LEN + 1];
    int r;

    if (p->creates) {
        if ((r = request_registration(ident_ethereum(p->address), INBOX_NONCE_DEFAULT, key, p->time_ns, derived, out,
                                      err)) != 0)
            return r;
        memcpy(p->inbox_id, derived, sizeof derived);
    } else {
        const char *inbox = p->inbox_id;
        if ((r = inbox_load(core, &inbox, 1, err)) != 0 || (r = inbox_state_at(core, inbox, 0, &state, err)) != 0)
            return r;
        if (identity_state_count(state, IDENT_INSTALLATION) >= IDENTITY_MAX_INSTALLATIONS)
            return err_set(err, ERR_TOOBIG, "%s",
                           _("this inbox has ten installations already: revoke some of them first"));
        if ((r = request_installation(state, ident_ethereum(p->address), key, p->time_ns, out, err)) != 0)
            return r;
    }
    return request_sign_installation(*out, key, err);
}

/* Asks the network whose the address is. */
static int choose_inbox(struct core *core, struct pending *p, struct err *err)
{
    int r;

    if (!core->api)
        return err_set(err, ERR_OFFLINE, "offline: registering needs the network");
    r = inbox_resolve_address(core, p->address, p->inbox_id, err);
    p->creates = r == ERR_NOTFOUND;
    return r == ERR_NOTFOUND ? 0 : r;
}

/* Begins, or takes up, the registration of `address`.  *req is the caller's. */
static int begin(struct core *core, const char *address, const struct eth_key *wallet, struct pending *p,
                 struct identity_request **req, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_installation row;
    struct ed25519_key key = {0};
    int r;

    *p = (struct pending){0};
    r = store_installation_get(core->store, &mem, &row, err);
    if (r == 0 && row.registration == STORE_REGISTRATION_DONE) {
        r = err_set(err, ERR_EXISTS, "%s", _("this home has its installation already"));
        goto done;
    }
    if (r == 0 && pending_read(core, p, NULL) == 0 && strcmp(p->address, address) == 0) {
        ed25519_from_seed(core->self.seed, &key);
        r = build_request(core, p, &key, req, err);
        goto done;
    }
    pending_free(p);
    *p = (struct pending){.time_ns = (uint64_t)core_now_ns(core)};
    snprintf(p->address, sizeof p->address, "%s", address);
    rand_fill(core->rand, p->request_id, sizeof p->request_id);
    ed25519_generate(core->rand, &key);
    if ((r = choose_inbox(core, p, err)) != 0 || (r = build_request(core, p, &key, req, err)) != 0)
        goto done;
    r = store_begun(core, p, &key, wallet, err);
done:
    ed25519_wipe(&key);
    store_mem_free(&mem);
    return r;
}

/* ---- finishing ---- */

static int check_update(struct core *core, const struct pending *p, struct err *err)
{
    const struct identity_state *old = NULL;
    struct identity_state *after = NULL;
    int r;

    if (!p->creates && (r = inbox_state_at(core, p->inbox_id, 0, &old, err)) != 0)
        return r;
    r = identity_state_advance(old, bytes_slice(&p->update), 0, NULL, &after, NULL, err);
    identity_state_free(after);
    return r;
}

/* Whether the network lists this installation in the inbox. */
static int is_listed(struct core *core, const struct pending *p, bool *listed, struct err *err)
{
    const char *inbox = p->inbox_id;
    uint64_t newest = 0;
    int r;

    *listed = false;
    if ((r = inbox_load(core, &inbox, 1, err)) != 0 || (r = inbox_latest(core, inbox, &newest, err)) != 0)
        return r;
    return newest == 0 ? 0 : inbox_has_installation(core, inbox, newest, core->self.installation_id, listed, err);
}

static int note_done(struct core *core, struct err *err)
{
    int r = core_begin(core, true, err);

    if (r != 0)
        return r;
    if ((r = store_installation_set_registration(core->store, STORE_REGISTRATION_DONE, err)) != 0 ||
        (r = store_installation_set_next_rotation(core->store, core_now_ns(core) + ROTATION_PERIOD_NS, err)) != 0 ||
        (r = store_secret_delete(core->store, STORE_SECRET_PENDING, err)) != 0) {
        core_rollback(core);
        return r;
    }
    if ((r = core_commit(core, err)) == 0)
        core->self.registered = true;
    return r;
}

static int publish(struct core *core, const struct pending *p, struct err *err)
{
    bool listed;
    int r;

    if ((r = is_listed(core, p, &listed, err)) != 0)
        return r;
    if (!listed) {
        if ((r = key_package_rotate(core, err)) != 0 ||
            (r = node_publish_identity_update(core->api, bytes_slice(&p->update), err)) != 0 ||
            (r = is_listed(core, p, &listed, err)) != 0)
            return r;
        if (!listed)
            return err_set(err, ERR_REMOTE, "the node took our identity update and does not show it");
    }
    return note_done(core, err);
}

/* All signatures are in: the update goes to the disk, then to the network. */
static int finish(struct core *core, struct pending *p, struct identity_request *req, struct err *err)
{
    int r;

    bytes_free(&p->update);
    if ((r = request_finish(req, &p->update, err)) != 0 || (r = check_update(core, p, err)) != 0)
        return r;
    if ((r = core_begin(core, true, err)) != 0)
        return r;
    if ((r = pending_write(core, p, err)) != 0) {
        core_rollback(core);
        return r;
    }
    if ((r = core_commit(core, err)) != 0)
        return r;
    return publish(core, p, err);
}

static int register_wallet(struct core *core, const struct eth_key *wallet, struct err *err)
{
    struct identity_request *req = NULL;
    struct pending p = {0};
    char address[ETH_ADDRESS_LEN + 1];
    int r;

    eth_address(wallet, address);
    if ((r = begin(core, address, wallet, &p, &req, err)) != 0)
        goto done;
    if ((r = request_sign_wallet(req, wallet, err)) != 0)
        goto done;
    r = finish(core, &p, req, err);
done:
    request_free(req);
    pending_free(&p);
    return r == 0 ? 0 : err_wrap(err, r, "registering");
}

int registration_with_wallet(struct core *core, const uint8_t wallet_key[32], struct err *err)
{
    struct eth_key wallet;
    int r = eth_from_secret(wallet_key, &wallet);

    if (r != 0)
        return err_set(err, ERR_INVALID, "%s", _("this is no secp256k1 private key"));
    r = register_wallet(core, &wallet, err);
    eth_wipe(&wallet);
    return r;
}

int registration_new_wallet(struct core *core, struct err *err)
{
    struct eth_key wallet;
    uint8_t kept[32];
    int r;

    /* A first try that was cut off has its wallet already. */
    if (!core->self.registered && registration_wallet_key(core, kept, NULL) == 0) {
        r = registration_with_wallet(core, kept, err);
        explicit_bzero(kept, sizeof kept);
        return r;
    }
    eth_generate(core->rand, &wallet);
    r = register_wallet(core, &wallet, err);
    eth_wipe(&wallet);
    return r;
}

int registration_begin_external(struct core *core, const char *address, char request_id[33], char **text,
                                struct err *err)
{
    struct identity_request *req = NULL;
    struct pending p = {0};
    char lower[ETH_ADDRESS_LEN + 1];
    const char *shown;
    int r;

    if ((r = ident_parse_address(address, lower, err)) != 0 || (r = begin(core, lower, NULL, &p, &req, err)) != 0)
        goto done;
    shown = request_text(req);
    *text = shown ? xm_strdup(shown) : NULL;
    if (!*text)
        r = err_set(err, ERR_NOMEM, "out of memory");
    else
        hex_encode(p.request_id, sizeof p.request_id, request_id);
done:
    request_free(req);
    pending_free(&p);
    return r;
}

int registration_finish_external(struct core *core, const char *request_id, struct slice signature, struct err *err)
{
    struct identity_request *req = NULL;
    struct pending p = {0};
    struct ed25519_key key = {0};
    char hex[33];
    int r;

    if ((r = pending_read(core, &p, err)) != 0)
        goto done;
    hex_encode(p.request_id, sizeof p.request_id, hex);
    if (strcmp(hex, request_id) != 0) {
        r = err_set(err, ERR_NOTFOUND, "%s", _("no such signature request: begin again"));
        goto done;
    }
    ed25519_from_seed(core->self.seed, &key);
    if ((r = build_request(core, &p, &key, &req, err)) != 0 ||
        (r = request_put_wallet_signature(req, signature, err)) != 0)
        goto done;
    r = finish(core, &p, req, err);
done:
    ed25519_wipe(&key);
    request_free(req);
    pending_free(&p);
    return r;
}

int registration_resume(struct core *core, bool *finished, struct err *err)
{
    struct pending p = {0};
    uint8_t wallet[32];
    int r;

    *finished = core->self.registered;
    if (core->self.registered)
        return 0;
    r = pending_read(core, &p, err);
    if (r == ERR_NOTFOUND) {
        r = 0;
    } else if (r == 0 && p.update.len > 0) {
        r = publish(core, &p, err);
    } else if (r == 0 && registration_wallet_key(core, wallet, NULL) == 0) {
        r = registration_with_wallet(core, wallet, err);
        explicit_bzero(wallet, sizeof wallet);
    }
    pending_free(&p);
    *finished = core->self.registered;
    return r;
}
