#include "sync/account.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/i18n.h"
#include "crypto/ed25519.h"
#include "crypto/eth.h"
#include "identity/request.h"
#include "net/node_api.h"
#include "sync/core.h"
#include "sync/inboxes.h"
#include "sync/registration.h"

#include <sodium.h>
#include <string.h>

/* Somebody who asks for more texts than this without signing any has lost interest in the oldest. */
#define WAITING_MAX 16

struct waiting_request {
    char id[33];
    struct identity_request *request;
    struct waiting_request *next;
};

static void waiting_free(struct waiting_request *w)
{
    request_free(w->request);
    xm_free(w);
}

void account_forget(struct core *core)
{
    while (core->waiting) {
        struct waiting_request *w = core->waiting;

        core->waiting = w->next;
        waiting_free(w);
    }
}

static int publish(struct core *core, struct identity_request *request, struct err *err)
{
    const char *inbox_id = core->self.inbox_id;
    struct bytes update = {0};
    int r;

    if ((r = request_finish(request, &update, err)) != 0)
        return r;
    if ((r = node_publish_identity_update(core->api, bytes_slice(&update), err)) == 0)
        r = inbox_load(core, &inbox_id, 1, err);
    bytes_free(&update);
    return r;
}

static int sign_ourselves(struct core *core, struct identity_request *request, struct err *err)
{
    struct ed25519_key installation = {0};
    struct eth_key wallet = {0};
    uint8_t key[32];
    int r;

    ed25519_from_seed(core->self.seed, &installation);
    r = request_sign_installation(request, &installation, err);
    ed25519_wipe(&installation);
    if (r != 0 && r != ERR_NOTFOUND)
        return r;
    r = registration_wallet_key(core, key, err);
    if (r == 0 && (r = eth_from_secret(key, &wallet)) == 0)
        r = request_sign_wallet(request, &wallet, err);
    sodium_memzero(key, sizeof key);
    eth_wipe(&wallet);
    return r == ERR_NOTFOUND ? 0 : r;
}

/* Keeps the request until its signature comes. */
static int ask(struct core *core, struct identity_request *request, struct account_need *need, struct err *err)
{
    struct waiting_request *w = xm_alloc(sizeof *w), **at;
    const char *text = request_text(request);
    uint8_t id[16];
    size_t n = 0;

    need->text = text ? xm_strdup(text) : NULL;
    if (!w || !need->text) {
        xm_free(w);
        request_free(request);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    rand_fill(core->rand, id, sizeof id);
    hex_encode(id, sizeof id, w->id);
    memcpy(need->request_id, w->id, sizeof w->id);
    w->request = request;
    w->next = core->waiting;
    core->waiting = w;
    for (at = &core->waiting; *at && n < WAITING_MAX; n++)
        at = &(*at)->next;
    while (*at) {
        struct waiting_request *oldest = *at;

        *at = oldest->next;
        waiting_free(oldest);
    }
    return err_set(err, ERR_AUTH, _("the wallet must sign this change"));
}

int account_publish(struct core *core, struct identity_request *request, struct account_need *need, struct err *err)
{
    struct ident missing;
    int r;

    if ((r = sign_ourselves(core, request, err)) == 0) {
        if (request_missing(request, 0, &missing))
            return ask(core, request, need, err);
        r = publish(core, request, err);
    }
    request_free(request);
    return r;
}

int account_finish(struct core *core, const char *request_id, struct slice signature, struct err *err)
{
    struct waiting_request **at = &core->waiting, *w;
    int r;

    while (*at && strcmp((*at)->id, request_id) != 0)
        at = &(*at)->next;
    w = *at;
    if (!w)
        return err_set(err, ERR_NOTFOUND, _("no request %s waits for a signature"), request_id);
    if ((r = request_put_wallet_signature(w->request, signature, err)) != 0)
        return r; /* a wrong paste may be followed by the right one */
    *at = w->next;
    r = publish(core, w->request, err);
    waiting_free(w);
    return r;
}
