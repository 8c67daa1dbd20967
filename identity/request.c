#include "identity/request.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/i18n.h"
#include "crypto/ed25519.h"
#include "crypto/eth.h"
#include "identity/pool.h"
#include "identity/state.h"
#include "identity/state_edit.h"
#include "identity/update.h"
#include "identity/verify.h"
#include "proto/wire.h"

#include <ctype.h>
#include <string.h>

/* Somebody whose signature the update needs, in one place or several. */
struct party {
    struct ident id;
    bool has_signed;
    struct slice signature; /* a Signature message */
};

/* Indexes into the parties: who signs in the action's slots. */
struct slots {
    size_t by, by_new;
};

struct identity_request {
    char inbox_id[INBOX_ID_LEN + 1];
    uint64_t now_ns;
    struct identity_action *actions; /* without signatures: for the text */
    struct slots *slots;
    size_t actions_n;
    struct party *parties;
    size_t parties_n;
    struct buf text;
    struct pool pool;
};

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_NOMEM, "out of memory");
}

/* ---- Making ---- */

int request_new(const char *inbox_id, uint64_t now_ns, struct identity_request **out, struct err *err)
{
    struct identity_request *req;

    if (!inbox_id_is_valid(slice_str(inbox_id)))
        return err_set(err, ERR_INVALID, _("not an inbox id"));
    if ((req = xm_alloc(sizeof *req)) == NULL)
        return out_of_memory(err);
    memcpy(req->inbox_id, inbox_id, sizeof req->inbox_id);
    req->now_ns = now_ns;
    *out = req;
    return 0;
}

void request_free(struct identity_request *req)
{
    if (req == NULL)
        return;
    xm_free(req->actions);
    xm_free(req->slots);
    xm_free(req->parties);
    buf_free(&req->text);
    pool_free(&req->pool);
    xm_free(req);
}

/* An address in another case than lower is another identifier to everybody else: the update would be
 * refused, or worse, taken and without effect. */
static bool is_canonical(struct ident id)
{
    char typed[ETH_ADDRESS_LEN + 1], lower[ETH_ADDRESS_LEN + 1];

    switch (id.kind) {
    case IDENT_ETHEREUM:
        if (id.value.len != ETH_ADDRESS_LEN)
            return false;
        memcpy(typed, id.value.data, ETH_ADDRESS_LEN);
        typed[ETH_ADDRESS_LEN] = '\0';
        return ident_parse_address(typed, lower, NULL) == 0 && strcmp(typed, lower) == 0;
    case IDENT_INSTALLATION:
        return id.value.len == INSTALLATION_ID_LEN;
    case IDENT_PASSKEY:
        return id.value.len == 33 || id.value.len == 65;
    }
    return false;
}

static int add_party(struct identity_request *req, struct ident id, size_t *index, struct err *err)
{
    struct party *grown;

    for (*index = 0; *index < req->parties_n; ++*index)
        if (ident_eq(req->parties[*index].id, id))
            return 0;
    if ((grown = xm_realloc(req->parties, req->parties_n + 1, sizeof *grown)) == NULL)
        return out_of_memory(err);
    req->parties = grown;
    grown[req->parties_n] = (struct party){.id.kind = id.kind};
    if (!pool_dup(&req->pool, id.value, &grown[req->parties_n].id.value))
        return out_of_memory(err);
    req->parties_n++;
    return 0;
}

static int add_action(struct identity_request *req, enum identity_action_kind kind, struct ident subject,
                      uint64_t nonce, struct slots slots, struct err *err)
{
    struct identity_action *actions, action = {.kind = kind, .nonce = nonce, .subject.kind = subject.kind};
    struct slots *grown;

    if (!pool_dup(&req->pool, subject.value, &action.subject.value))
        return out_of_memory(err);
    if ((actions = xm_realloc(req->actions, req->actions_n + 1, sizeof *actions)) == NULL)
        return out_of_memory(err);
    req->actions = actions;
    if ((grown = xm_realloc(req->slots, req->actions_n + 1, sizeof *grown)) == NULL)
        return out_of_memory(err);
    req->slots = grown;
    actions[req->actions_n] = action;
    grown[req->actions_n++] = slots;
    return 0;
}

static int check_new_action(struct identity_request *req, struct ident a, struct ident b, struct err *err)
{
    for (size_t i = 0; i < req->parties_n; i++)
        if (req->parties[i].has_signed)
            return err_set(err, ERR_STATE, "somebody has signed already");
    if (!is_canonical(a) || !is_canonical(b))
        return err_set(err, ERR_INVALID, _("not an address, a passkey or an installation"));
    buf_reset(&req->text); /* of the actions so far */
    return 0;
}

int request_create_inbox(struct identity_request *req, struct ident owner, uint64_t nonce, struct err *err)
{
    struct slots s = {0};
    int r = check_new_action(req, owner, owner, err);

    if (r == 0 && owner.kind == IDENT_INSTALLATION)
        r = err_set(err, ERR_INVALID, "an installation cannot own an inbox");
    if (r != 0 || (r = add_party(req, owner, &s.by, err)) != 0)
        return r;
    return add_action(req, ACTION_CREATE, owner, nonce, s, err);
}

int request_add(struct identity_request *req, struct ident new_member, struct ident existing, struct err *err)
{
    struct slots s = {0};
    int r = check_new_action(req, new_member, existing, err);

    if (r == 0 && new_member.kind == IDENT_INSTALLATION && existing.kind == IDENT_INSTALLATION)
        r = err_set(err, ERR_INVALID, "an installation cannot vouch for another");
    if (r != 0 || (r = add_party(req, existing, &s.by, err)) != 0 ||
        (r = add_party(req, new_member, &s.by_new, err)) != 0)
        return r;
    return add_action(req, ACTION_ADD, new_member, 0, s, err);
}

int request_revoke(struct identity_request *req, struct ident member, struct ident recovery, struct err *err)
{
    struct slots s = {0};
    int r = check_new_action(req, member, recovery, err);

    if (r != 0 || (r = add_party(req, recovery, &s.by, err)) != 0)
        return r;
    return add_action(req, ACTION_REVOKE, member, 0, s, err);
}

int request_change_recovery(struct identity_request *req, struct ident recovery, struct ident next,
                            struct err *err)
{
    struct slots s = {0};
    int r = check_new_action(req, recovery, next, err);

    if (r == 0 && next.kind == IDENT_INSTALLATION)
        r = err_set(err, ERR_INVALID, "an installation cannot be the recovery identifier");
    if (r != 0 || (r = add_party(req, recovery, &s.by, err)) != 0)
        return r;
    return add_action(req, ACTION_CHANGE_RECOVERY, next, 0, s, err);
}

/* ---- The usual ones ---- */

static struct ident own_ident(const struct ed25519_key *key)
{
    return ident_installation(key->public_key);
}

int request_registration(struct ident owner, uint64_t nonce, const struct ed25519_key *installation,
                         uint64_t now_ns, char inbox_id[INBOX_ID_LEN + 1], struct identity_request **out,
                         struct err *err)
{
    struct identity_request *req = NULL;
    int r;

    if ((r = inbox_id_derive(owner, nonce, inbox_id, err)) != 0 ||
        (r = request_new(inbox_id, now_ns, &req, err)) != 0 ||
        (r = request_create_inbox(req, owner, nonce, err)) != 0 ||
        (r = request_add(req, own_ident(installation), owner, err)) != 0 ||
        (r = request_sign_installation(req, installation, err)) != 0)
        goto done;
    *out = req;
    req = NULL;
done:
    request_free(req);
    return r;
}

int request_installation(const struct identity_state *state, struct ident account,
                         const struct ed25519_key *installation, uint64_t now_ns,
                         struct identity_request **out, struct err *err)
{
    struct identity_request *req = NULL;
    int r;

    if (identity_state_member(state, own_ident(installation)) != NULL)
        return err_set(err, ERR_EXISTS, _("this installation belongs to the inbox already"));
    if (identity_state_count(state, IDENT_INSTALLATION) >= IDENTITY_MAX_INSTALLATIONS)
        return err_set(err, ERR_DENIED, _("the inbox has %d installations already: revoke one first"),
                       IDENTITY_MAX_INSTALLATIONS);
    if (identity_state_member(state, account) == NULL && !ident_eq(account, state->recovery))
        return err_set(err, ERR_DENIED, _("this account does not belong to the inbox"));
    if ((r = request_new(state->inbox_id, now_ns, &req, err)) != 0 ||
        (r = request_add(req, own_ident(installation), account, err)) != 0 ||
        (r = request_sign_installation(req, installation, err)) != 0)
        goto done;
    *out = req;
    req = NULL;
done:
    request_free(req);
    return r;
}

int request_revocation(const struct identity_state *state, const struct ident *members, size_t members_n,
                       uint64_t now_ns, struct identity_request **out, struct err *err)
{
    struct identity_request *req = NULL;
    int r = request_new(state->inbox_id, now_ns, &req, err);

    for (size_t i = 0; r == 0 && i < members_n; i++) {
        if (identity_state_member(state, members[i]) == NULL)
            r = err_set(err, ERR_NOTFOUND, _("not a member of this inbox"));
        else
            r = request_revoke(req, members[i], state->recovery, err);
    }
    if (r == 0 && members_n == 0)
        r = err_set(err, ERR_INVALID, _("nothing to revoke"));
    if (r == 0) {
        *out = req;
        req = NULL;
    }
    request_free(req);
    return r;
}

int request_account(const struct identity_state *state, struct ident account,
                    const struct ed25519_key *installation, uint64_t now_ns, struct identity_request **out,
                    struct err *err)
{
    struct identity_request *req = NULL;
    int r;

    if (identity_state_member(state, account) != NULL)
        return err_set(err, ERR_EXISTS, _("this account belongs to the inbox already"));
    if (identity_state_member(state, own_ident(installation)) == NULL)
        return err_set(err, ERR_DENIED, _("this installation does not belong to the inbox"));
    if ((r = request_new(state->inbox_id, now_ns, &req, err)) != 0 ||
        (r = request_add(req, account, own_ident(installation), err)) != 0 ||
        (r = request_sign_installation(req, installation, err)) != 0)
        goto done;
    *out = req;
    req = NULL;
done:
    request_free(req);
    return r;
}

int request_recovery(const struct identity_state *state, struct ident next, uint64_t now_ns,
                     struct identity_request **out, struct err *err)
{
    struct identity_request *req = NULL;
    int r;

    if ((r = request_new(state->inbox_id, now_ns, &req, err)) != 0 ||
        (r = request_change_recovery(req, state->recovery, next, err)) != 0)
        goto done;
    *out = req;
    req = NULL;
done:
    request_free(req);
    return r;
}

/* ---- Text and signatures ---- */

const char *request_text(struct identity_request *req)
{
    if (req->text.len == 0) {
        identity_text_put(&req->text, slice_str(req->inbox_id), req->now_ns, req->actions, req->actions_n);
        buf_put_u8(&req->text, '\0');
    }
    return buf_ok(&req->text) ? (const char *)req->text.data : NULL;
}

bool request_missing(const struct identity_request *req, size_t i, struct ident *out)
{
    for (size_t at = 0; at < req->parties_n; at++)
        if (!req->parties[at].has_signed && i-- == 0) {
            *out = req->parties[at].id;
            return true;
        }
    return false;
}

static struct party *find_party(struct identity_request *req, struct ident id)
{
    for (size_t i = 0; i < req->parties_n; i++)
        if (ident_eq(req->parties[i].id, id))
            return &req->parties[i];
    return NULL;
}

/* Wraps the body of one kind into a Signature message and gives it to the party. */
static int put_signature(struct identity_request *req, struct party *party, enum signature_kind kind,
                         const struct buf *body, struct err *err)
{
    struct buf message = BUF_INIT;
    int r = 0;

    wire_put_message(&message, kind, buf_slice(body));
    if (!buf_ok(body) || !buf_ok(&message) || !pool_dup(&req->pool, buf_slice(&message), &party->signature))
        r = out_of_memory(err);
    else
        party->has_signed = true;
    buf_free(&message);
    return r;
}

int request_sign_installation(struct identity_request *req, const struct ed25519_key *key, struct err *err)
{
    struct party *party = find_party(req, own_ident(key));
    const char *text = request_text(req);
    uint8_t signature[ED25519_SIGNATURE_LEN];
    struct buf body = BUF_INIT;
    int r;

    if (party == NULL)
        return err_set(err, ERR_NOTFOUND, "this installation's signature is not asked for");
    if (party->has_signed)
        return 0;
    if (text == NULL)
        return out_of_memory(err);
    if (ed25519ph_sign(key, slice_str(identity_signature_context), slice_str(text), signature) != 0)
        return err_set(err, ERR_INVALID, "cannot sign");
    wire_put_bytes(&body, 1, slice_of(signature, sizeof signature));
    wire_put_bytes(&body, 2, party->id.value);
    r = put_signature(req, party, SIGNATURE_INSTALLATION, &body, err);
    buf_free(&body);
    return r;
}

static int put_wallet(struct identity_request *req, struct party *party,
                      const uint8_t signature[ETH_SIGNATURE_LEN], struct err *err)
{
    struct buf body = BUF_INIT;
    int r;

    wire_put_bytes(&body, 1, slice_of(signature, ETH_SIGNATURE_LEN));
    r = put_signature(req, party, SIGNATURE_ERC_191, &body, err);
    buf_free(&body);
    return r;
}

int request_sign_wallet(struct identity_request *req, const struct eth_key *key, struct err *err)
{
    const char *text = request_text(req);
    char address[ETH_ADDRESS_LEN + 1];
    uint8_t signature[ETH_SIGNATURE_LEN];
    struct party *party;

    eth_address(key, address);
    if ((party = find_party(req, ident_ethereum(address))) == NULL)
        return err_set(err, ERR_NOTFOUND, _("the signature of %s is not asked for"), address);
    if (party->has_signed)
        return 0;
    if (text == NULL)
        return out_of_memory(err);
    eth_sign_personal(key, slice_str(text), signature);
    return put_wallet(req, party, signature, err);
}

int request_put_wallet_signature(struct identity_request *req, struct slice signature, struct err *err)
{
    const char *text = request_text(req);
    char address[ETH_ADDRESS_LEN + 1];
    uint8_t normal[ETH_SIGNATURE_LEN];
    struct party *party;

    if (text == NULL)
        return out_of_memory(err);
    if (eth_normalise_signature(signature, normal) != 0 ||
        eth_recover_personal(slice_str(text), slice_of(normal, sizeof normal), address, NULL) != 0)
        return err_set(err, ERR_AUTH, _("this is not a wallet's signature"));
    if ((party = find_party(req, ident_ethereum(address))) == NULL)
        return err_set(err, ERR_AUTH, _("the signature is from %s, or of another text"), address);
    return put_wallet(req, party, normal, err);
}

int request_put_contract_signature(struct identity_request *req, uint64_t chain_id, const char *address,
                                   uint64_t block_number, struct slice signature, struct err *err)
{
    struct party *party = find_party(req, ident_ethereum(address));
    struct buf body = BUF_INIT, account = BUF_INIT;
    int r;

    if (party == NULL)
        return err_set(err, ERR_NOTFOUND, _("the signature of %s is not asked for"), address);
    buf_printf(&account, "eip155:%llu:%s", (unsigned long long)chain_id, address);
    wire_put_bytes(&body, 1, buf_slice(&account));
    wire_put_u64(&body, 2, block_number);
    wire_put_bytes(&body, 3, signature);
    r = buf_ok(&account) ? put_signature(req, party, SIGNATURE_ERC_6492, &body, err) : out_of_memory(err);
    buf_free(&account);
    buf_free(&body);
    return r;
}

int request_put_passkey_signature(struct identity_request *req, struct slice public_key,
                                  struct slice signature, struct slice authenticator_data,
                                  struct slice client_data_json, struct err *err)
{
    struct party *party = find_party(req, ident_passkey(public_key));
    struct buf body = BUF_INIT;
    int r;

    if (party == NULL)
        return err_set(err, ERR_NOTFOUND, "this passkey's signature is not asked for");
    wire_put_bytes(&body, 1, public_key);
    wire_put_bytes(&body, 2, signature);
    wire_put_bytes(&body, 3, authenticator_data);
    wire_put_bytes(&body, 4, client_data_json);
    r = put_signature(req, party, SIGNATURE_PASSKEY, &body, err);
    buf_free(&body);
    return r;
}

/* ---- Finishing ---- */

static void put_account(struct buf *out, uint32_t number, uint32_t kind_number, struct slice signature,
                        uint32_t signature_number, struct ident id, uint64_t nonce)
{
    struct buf text = BUF_INIT;

    ident_put_text(&text, id);
    wire_put_bytes(out, number, buf_slice(&text));
    wire_put_u64(out, 2, nonce); /* create only; elsewhere 0, which writes nothing */
    wire_put_message(out, signature_number, signature);
    wire_put_u64(out, kind_number, id.kind == IDENT_PASSKEY ? 2 : 1);
    out->bad |= !buf_ok(&text);
    buf_free(&text);
}

static void put_action(struct buf *out, const struct identity_request *req, size_t i)
{
    const struct identity_action *action = &req->actions[i];
    struct slice by = req->parties[req->slots[i].by].signature;
    struct buf body = BUF_INIT, wrapped = BUF_INIT;

    switch (action->kind) {
    case ACTION_CREATE:
        put_account(&body, 1, 4, by, 3, action->subject, action->nonce);
        break;
    case ACTION_ADD:
        ident_put_message(&body, 1, action->subject);
        wire_put_message(&body, 2, by);
        wire_put_message(&body, 3, req->parties[req->slots[i].by_new].signature);
        break;
    case ACTION_REVOKE:
        ident_put_message(&body, 1, action->subject);
        wire_put_message(&body, 2, by);
        break;
    case ACTION_CHANGE_RECOVERY:
        put_account(&body, 1, 3, by, 2, action->subject, 0);
        break;
    }
    wire_put_message(&wrapped, action->kind, buf_slice(&body));
    wire_put_message(out, 1, buf_slice(&wrapped));
    out->bad |= !buf_ok(&body) || !buf_ok(&wrapped);
    buf_free(&body);
    buf_free(&wrapped);
}

int request_finish(const struct identity_request *req, struct bytes *out, struct err *err)
{
    struct buf update = BUF_INIT;
    struct ident who;
    int r;

    if (request_missing(req, 0, &who))
        return err_set(err, ERR_STATE, "a signature is missing");
    for (size_t i = 0; i < req->actions_n; i++)
        put_action(&update, req, i);
    wire_put_u64(&update, 2, req->now_ns);
    wire_put_bytes(&update, 3, slice_str(req->inbox_id));
    r = buf_take(&update, out);
    buf_free(&update);
    return r == 0 ? 0 : out_of_memory(err);
}

int request_parse_signature(const char *text, uint8_t out[65], struct err *err)
{
    size_t len;

    while (isspace((unsigned char)*text))
        text++;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        text += 2;
    for (len = strlen(text); len > 0 && isspace((unsigned char)text[len - 1]); len--)
        ;
    if (!hex_decode(text, len, out, 65))
        return err_set(err, ERR_INVALID, _("a signature has 130 hexadecimal digits"));
    return 0;
}
