#include "sync/params.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/i18n.h"
#include "identity/request.h"
#include "store/groups.h"
#include "sync/consent.h"
#include "sync/resolve.h"
#include "sync/rpc.h"

#include <string.h>

int params_consent_states(struct rpc *rpc, unsigned *out)
{
    enum consent_state state;
    json_t *list, *item;
    size_t i;
    int r;

    *out = 0;
    if ((r = rpc_strings(rpc, "consentStates", false, &list)) != 0 || !list)
        return r;
    json_array_foreach(list, i, item) {
        if (!consent_state_parse(json_string_value(item), &state))
            return err_set(&rpc->err, ERR_INVALID, _("\"%.40s\" is no consent state: use unknown, allowed, denied"),
                           json_string_value(item));
        *out |= 1u << state;
    }
    return 0;
}

int params_types(struct rpc *rpc, unsigned *out)
{
    const char *type;
    int r;

    *out = 0;
    if ((r = rpc_string(rpc, "type", false, &type)) != 0 || !type)
        return r;
    if (strcmp(type, "dm") == 0)
        *out = STORE_TYPE_BIT(STORE_DM);
    else if (strcmp(type, "group") == 0)
        *out = STORE_TYPE_BIT(STORE_GROUP);
    else
        return err_set(&rpc->err, ERR_INVALID, _("\"%.40s\" is no type of conversation: use dm or group"), type);
    return 0;
}

int params_conversation(struct rpc *rpc, uint8_t id[16])
{
    const char *text;
    int r;

    if ((r = rpc_string(rpc, "id", true, &text)) != 0)
        return r;
    return resolve_conversation(rpc->store, text, id, &rpc->err);
}

int params_peers(struct rpc *rpc, const char *name, char (**out)[65], const char ***pointers, size_t *n)
{
    json_t *list = json_object_get(rpc->params, name), *item;
    char(*ids)[65] = NULL;
    const char **at = NULL;
    size_t i;
    int r = 0;

    if (list && !json_is_array(list))
        return err_set(&rpc->err, ERR_INVALID, _("parameter \"%s\" must be a list of peers"), name);
    ids = xm_calloc(json_array_size(list) + 1, sizeof *ids);
    at = xm_calloc(json_array_size(list) + 1, sizeof *at);
    if (!ids || !at) {
        r = err_set(&rpc->err, ERR_NOMEM, "out of memory");
        goto failed;
    }
    json_array_foreach(list, i, item) {
        if ((r = resolve_peer(rpc->core, item, ids[i], &rpc->err)) != 0)
            goto failed;
        at[i] = ids[i];
    }
    *out = ids;
    *pointers = at;
    *n = json_array_size(list);
    return 0;
failed:
    xm_free(ids);
    xm_free(at);
    return r;
}

/* What a wallet elsewhere must sign goes out as error data (interface: `signature_needed`). */
int params_signature_needed(struct rpc *rpc, const char *request_id, char *text)
{
    rpc->error_data =
        json_pack("{s:s,s:s,s:s}", "code", "signature_needed", "requestId", request_id, "text", text);
    xm_free(text);
    return err_set(&rpc->err, ERR_AUTH, _("a wallet must sign; call again with its signature"));
}

int params_signature(struct rpc *rpc, uint8_t out[65], const char **request_id)
{
    const char *text;
    int r;

    if ((r = rpc_string(rpc, "requestId", true, request_id)) != 0 ||
        (r = rpc_string(rpc, "signature", true, &text)) != 0)
        return r;
    return request_parse_signature(text, out, &rpc->err);
}

int params_wallet_key(struct rpc *rpc, bool required, uint8_t out[32], bool *given)
{
    const char *text;
    int r = rpc_string(rpc, "walletKey", required, &text);

    *given = r == 0 && text;
    if (!*given)
        return r;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        text += 2;
    return hex_decode(text, strlen(text), out, 32)
               ? 0
               : err_set(&rpc->err, ERR_INVALID, _("a wallet key is 64 hexadecimal digits"));
}
