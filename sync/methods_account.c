/* client.*: what changes the inbox: its installations, accounts and recovery identifier. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/i18n.h"
#include "identity/request.h"
#include "identity/state.h"
#include "sync/account.h"
#include "sync/core.h"
#include "sync/inboxes.h"
#include "sync/params.h"
#include "sync/prefs.h"
#include "sync/rpc.h"
#include "sync/worker.h"

#include <string.h>

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

static int revoke_installations(struct rpc *rpc)
{
    const char *inbox_id = rpc->core->self.inbox_id, *request_id;
    const struct identity_state *state;
    struct identity_request *request = NULL;
    struct account_need need = {0};
    struct ident *revoked = NULL;
    uint8_t signature[65];
    size_t n = 0;
    int r;

    if ((r = worker_online(rpc->core, &rpc->err)) != 0 ||
        (r = inbox_load(rpc->core, &inbox_id, 1, &rpc->err)) != 0 ||
        (r = inbox_state_at(rpc->core, inbox_id, 0, &state, &rpc->err)) != 0)
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
    if (json_object_get(rpc->params, "signature")) {
        if ((r = params_signature(rpc, signature, &request_id)) == 0)
            r = account_finish(rpc->core, request_id, slice_of(signature, sizeof signature), &rpc->err);
    } else if ((r = request_revocation(state, revoked, n, (uint64_t)core_now_ns(rpc->core), &request, &rpc->err)) ==
               0) {
        r = account_publish(rpc->core, request, &need, &rpc->err);
        if (r == ERR_AUTH && need.text)
            r = params_signature_needed(rpc, need.request_id, need.text);
    }
    if (r == 0)
        prefs_after_revocation(rpc->core);
done:
    xm_free(revoked);
    return r;
}

const struct rpc_method account_methods[] = {
    {"client.revokeInstallations", revoke_installations, NULL},
    {NULL, NULL, NULL},
};
