#include "sync/inbox_json.h"

#include "identity/state.h"
#include "sync/rpc.h"

json_t *inbox_identifiers_json(const struct identity_state *state)
{
    json_t *list = json_array();

    for (size_t i = 0; i < state->members_n; i++) {
        const struct ident *id = &state->members[i].id;

        if (id->kind == IDENT_INSTALLATION)
            continue;
        json_array_append_new(
            list, json_pack("{s:o,s:s}", "identifier",
                            id->kind == IDENT_ETHEREUM ? json_stringn((const char *)id->value.data, id->value.len)
                                                       : rpc_hex_json(id->value.data, id->value.len),
                            "kind", id->kind == IDENT_ETHEREUM ? "ethereum" : "passkey"));
    }
    return list;
}

json_t *inbox_installations_json(const struct identity_state *state, struct slice own)
{
    const struct identity_member *m;
    json_t *list = json_array();

    for (size_t i = 0; (m = identity_state_nth(state, IDENT_INSTALLATION, i)); i++) {
        json_array_append_new(
            list, json_pack("{s:o,s:o,s:b}", "id", rpc_hex_json(m->id.value.data, m->id.value.len), "createdAtNs",
                            m->has_timestamp ? rpc_ns((int64_t)m->client_timestamp_ns) : json_null(), "self",
                            slice_eq(m->id.value, own)));
    }
    return list;
}

json_t *inbox_recovery_json(const struct identity_state *state)
{
    const struct ident *id = &state->recovery;

    return id->kind == IDENT_ETHEREUM ? json_stringn((const char *)id->value.data, id->value.len)
                                      : rpc_hex_json(id->value.data, id->value.len);
}
