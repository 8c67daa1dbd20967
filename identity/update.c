/* Parsing is a walk over the copied bytes after the descriptor's check, not an unpack: texts that are
 * signed must be had exactly as they came, a NUL in an identifier included. */
#include "identity/update.h"

#include "base/err.h"
#include "crypto/ed25519.h"
#include "identity/fields.h"
#include "proto/check.h"
#include "proto/wire.h"
#include "proto/xmtp_identity_associations.pb-c.h"

#include <string.h>

/* ---- Signatures ---- */

static bool all_of(struct slice text, const char *extra)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c != '\0' && strchr(extra, c) != NULL)))
            return false;
    }
    return true;
}

static bool has_upper(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] >= 'A' && text.data[i] <= 'Z')
            return true;
    return false;
}

static struct slice cut_at_colon(struct slice *rest)
{
    const uint8_t *colon = rest->len > 0 ? memchr(rest->data, ':', rest->len) : NULL;
    struct slice part = *rest;

    if (colon != NULL)
        part.len = (size_t)(colon - rest->data);
    rest->data += part.len + (colon != NULL);
    rest->len -= part.len + (colon != NULL);
    return part;
}

/* CAIP-10: namespace, reference and address, with the characters and lengths of CAIP-2. */
static bool is_account_id(struct slice text)
{
    struct slice rest = text, ns, reference;

    if (text.len == 0)
        return false;
    ns = cut_at_colon(&rest);
    reference = cut_at_colon(&rest);
    return ns.len >= 3 && ns.len <= 8 && all_of(ns, "-") && !has_upper(ns) && reference.len >= 1 &&
           reference.len <= 32 && all_of(reference, "-_") && rest.len >= 1 && rest.len <= 128 &&
           all_of(rest, "-.%");
}

static int parse_legacy(struct slice body, struct identity_signature *out, struct err *err)
{
    struct slice key, ecdsa, of_key, compact;

    if (!wire_find(body, 1, &key) || !wire_find(body, 2, &ecdsa))
        return err_set(err, ERR_MALFORMED, "a legacy signature lacks its key or its signature");
    out->bytes = field_bytes(ecdsa, 1);
    out->key_bytes = field_bytes(key, 1);
    of_key = field_bytes(key, 2);
    /* Both forms of the wallet's signature have the same fields.  Neither: found when verified. */
    if (field_oneof(of_key, 2, &compact) != 0) {
        out->wallet_signature = field_bytes(compact, 1);
        out->wallet_recovery = (uint8_t)field_number(compact, 2);
    }
    return 0;
}

static int parse_signature(struct slice message, struct identity_signature *out, struct err *err)
{
    struct slice body;

    out->raw = message;
    out->kind = (enum signature_kind)field_oneof(message, SIGNATURE_PASSKEY, &body);
    switch (out->kind) {
    case SIGNATURE_ERC_191:
        out->bytes = field_bytes(body, 1);
        return 0;
    case SIGNATURE_ERC_6492:
        out->account_id = field_bytes(body, 1);
        out->block_number = field_number(body, 2);
        out->bytes = field_bytes(body, 3);
        if (!is_account_id(out->account_id))
            return err_set(err, ERR_MALFORMED, "a contract signature names no account");
        return 0;
    case SIGNATURE_INSTALLATION:
        out->bytes = field_bytes(body, 1);
        out->public_key = field_bytes(body, 2);
        if (out->public_key.len != ED25519_PUBLIC_LEN || !ed25519_is_point(out->public_key.data))
            return err_set(err, ERR_MALFORMED, "an installation key is no Ed25519 key");
        return 0;
    case SIGNATURE_LEGACY:
        return parse_legacy(body, out, err);
    case SIGNATURE_PASSKEY:
        out->public_key = field_bytes(body, 1);
        out->bytes = field_bytes(body, 2);
        out->authenticator_data = field_bytes(body, 3);
        out->client_data_json = field_bytes(body, 4);
        return 0;
    }
    return err_set(err, ERR_MALFORMED, "a signature of no known kind");
}

static int find_signature(struct slice message, uint32_t number, struct identity_signature *out,
                          struct err *err)
{
    struct slice found;

    if (!wire_find(message, number, &found))
        return err_set(err, ERR_MALFORMED, "an action lacks a signature");
    return parse_signature(found, out, err);
}

/* ---- Actions ---- */

static int parse_action(struct slice message, struct pool *pool, struct identity_action *out, struct err *err)
{
    struct slice body;
    int r;

    out->kind = (enum identity_action_kind)field_oneof(message, ACTION_CHANGE_RECOVERY, &body);
    switch (out->kind) {
    case ACTION_CREATE:
        out->nonce = field_number(body, 2);
        if ((r = field_account(field_bytes(body, 1), field_number(body, 4), pool, &out->subject, err)) != 0)
            return r;
        return find_signature(body, 3, &out->by, err);
    case ACTION_ADD:
        if ((r = field_member(body, 1, &out->subject, err)) != 0 ||
            (r = find_signature(body, 2, &out->by, err)) != 0)
            return r;
        return find_signature(body, 3, &out->by_new, err);
    case ACTION_REVOKE:
        if ((r = field_member(body, 1, &out->subject, err)) != 0)
            return r;
        return find_signature(body, 2, &out->by, err);
    case ACTION_CHANGE_RECOVERY:
        if ((r = field_account(field_bytes(body, 1), field_number(body, 3), pool, &out->subject, err)) != 0)
            return r;
        return find_signature(body, 2, &out->by, err);
    }
    return err_set(err, ERR_MALFORMED, "an action of no known kind");
}

static int parse_actions(struct identity_update *u, struct err *err)
{
    struct reader r = reader_of(u->raw);
    struct wire_field field;
    size_t n = 0;
    int rc;

    while (wire_next(&r, &field))
        n += field.number == 1;
    if ((u->actions = pool_alloc(&u->pool, n, sizeof *u->actions)) == NULL)
        return err_set(err, ERR_NOMEM, "out of memory");
    r = reader_of(u->raw);
    while (wire_next(&r, &field)) {
        if (field.number != 1)
            continue;
        if ((rc = parse_action(field.bytes, &u->pool, &u->actions[u->actions_n], err)) != 0)
            return err_wrap(err, rc, "action %zu", u->actions_n);
        u->actions_n++;
    }
    return 0;
}

int identity_update_parse(struct slice data, struct identity_update *out, struct err *err)
{
    /* A NUL in an identifier is an odd identifier, not a malformed update: others evaluate it. */
    static const struct proto_limits limits = {
        .depth = 16, .elements = 20000, .memory = 16u << 20, .allow_nul = true};
    struct identity_update u = {0};
    int r;

    if (data.len > IDENTITY_UPDATE_MAX)
        return err_set(err, ERR_TOOBIG, "an identity update of %zu bytes", data.len);
    r = proto_check(&xmtp__identity__associations__identity_update__descriptor, data, &limits, NULL, err);
    if (r != 0)
        goto done;
    if (!pool_dup(&u.pool, data, &u.raw)) {
        r = err_set(err, ERR_NOMEM, "out of memory");
        goto done;
    }
    u.client_timestamp_ns = field_number(u.raw, 2);
    u.inbox_id = field_bytes(u.raw, 3);
    if ((r = parse_actions(&u, err)) != 0)
        goto done;
    *out = u;
    u = (struct identity_update){0};
done:
    identity_update_free(&u);
    return r == 0 ? 0 : err_wrap(err, r, "identity update");
}

void identity_update_free(struct identity_update *update)
{
    pool_free(&update->pool);
    *update = (struct identity_update){0};
}
