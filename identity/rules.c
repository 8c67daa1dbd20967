/* What an update does to an inbox.  Order of checks and choice of faults follow libxmtp
 * (xmtp_id/src/associations/association_log.rs): a wrong "no" forks groups as a wrong "yes" does. */
#include "base/err.h"
#include "identity/state.h"
#include "identity/state_edit.h"
#include "identity/update.h"
#include "identity/verify.h"

#include <string.h>

const char *identity_fault_name(enum identity_fault fault)
{
    static const char *const names[] = {
        [IDENTITY_OK] = "OK",
        [IDENTITY_MALFORMED] = "Malformed",
        [IDENTITY_SIGNATURE] = "Signature",
        [IDENTITY_UNKNOWN] = "Unknown",
        [IDENTITY_MULTIPLE_CREATE] = "MultipleCreate",
        [IDENTITY_NOT_CREATED] = "NotCreated",
        [IDENTITY_MEMBER_NOT_ALLOWED] = "MemberNotAllowed",
        [IDENTITY_MISSING_EXISTING_MEMBER] = "MissingExistingMember",
        [IDENTITY_LEGACY_SIGNATURE_REUSE] = "LegacySignatureReuse",
        [IDENTITY_NEW_MEMBER_MISMATCH] = "NewMemberIdSignatureMismatch",
        [IDENTITY_ADDS_ITSELF] = "tried to add self",
        [IDENTITY_WRONG_INBOX_ID] = "WrongInboxId",
        [IDENTITY_SIGNATURE_NOT_ALLOWED] = "SignatureNotAllowed",
        [IDENTITY_REPLAY] = "Replay",
        [IDENTITY_CHAIN_ID_MISMATCH] = "ChainIdMismatch",
        [IDENTITY_INVALID_ADDRESS] = "InvalidAccountAddress",
        [IDENTITY_MISSING_UPDATE] = "MissingIdentityUpdate",
    };

    return (size_t)fault < sizeof names / sizeof names[0] ? names[fault] : "?";
}

/* ---- Checks that several actions share ---- */

/* Today the signer's kind follows from the signature's, so this cannot fail; it stays for the kinds of
 * signature that are yet to come. */
static bool kind_suits(enum ident_kind member, enum signature_kind signature)
{
    switch (member) {
    case IDENT_ETHEREUM:
        return signature == SIGNATURE_ERC_191 || signature == SIGNATURE_ERC_6492 ||
               signature == SIGNATURE_LEGACY;
    case IDENT_INSTALLATION:
        return signature == SIGNATURE_INSTALLATION;
    case IDENT_PASSKEY:
        return signature == SIGNATURE_PASSKEY;
    }
    return false;
}

/* A contract wallet of one chain is not that of another, though the address is the same. */
static bool chain_fits(const struct identity_member *member, const struct verified_signature *signature)
{
    return member->has_chain_id == signature->has_chain_id &&
           (!member->has_chain_id || member->chain_id == signature->chain_id);
}

static bool is_legacy(const struct verified_signature *signature)
{
    return signature->kind == SIGNATURE_LEGACY;
}

/* ---- The four actions ---- */

static enum identity_fault create(struct identity_state **state, const struct identity_action *action,
                                  const struct verified_signature *owner)
{
    struct identity_member first = {
        .id = action->subject, .has_chain_id = owner->has_chain_id, .chain_id = owner->chain_id};
    char inbox_id[INBOX_ID_LEN + 1];

    if (*state != NULL)
        return IDENTITY_MULTIPLE_CREATE;
    if (!ident_eq(owner->signer, action->subject))
        return IDENTITY_MISSING_EXISTING_MEMBER;
    if (!kind_suits(action->subject.kind, owner->kind))
        return IDENTITY_SIGNATURE_NOT_ALLOWED;
    if (is_legacy(owner) && action->nonce != 0)
        return IDENTITY_LEGACY_SIGNATURE_REUSE;
    switch (inbox_id_derive(action->subject, action->nonce, inbox_id, NULL)) {
    case 0:
        break;
    case ERR_NOMEM:
        return IDENTITY_UNKNOWN;
    default:
        return IDENTITY_INVALID_ADDRESS;
    }
    if ((*state = state_new(inbox_id, action->subject)) == NULL || !state_put_member(*state, &first))
        return IDENTITY_UNKNOWN;
    return IDENTITY_OK;
}

/* A legacy key may only speak in the one inbox that its wallet has with nonce 0. */
static enum identity_fault check_legacy_add(const struct identity_state *state,
                                            const struct verified_action *by)
{
    char inbox_id[INBOX_ID_LEN + 1];

    if (by->by.signer.kind == IDENT_INSTALLATION || (!is_legacy(&by->by) && !is_legacy(&by->by_new)))
        return IDENTITY_OK;
    switch (inbox_id_derive(by->by.signer, 0, inbox_id, NULL)) {
    case 0:
        return strcmp(inbox_id, state->inbox_id) == 0 ? IDENTITY_OK : IDENTITY_LEGACY_SIGNATURE_REUSE;
    case ERR_NOMEM:
        return IDENTITY_UNKNOWN;
    }
    return IDENTITY_INVALID_ADDRESS;
}

/* May this signer vouch for somebody?  A member may; the recovery identifier may too, in person. */
static enum identity_fault check_voucher(const struct identity_state *state,
                                         const struct verified_signature *by)
{
    const struct identity_member *member = identity_state_member(state, by->signer);

    if (member != NULL)
        return chain_fits(member, by) ? IDENTITY_OK : IDENTITY_CHAIN_ID_MISMATCH;
    if (!ident_eq(by->signer, state->recovery))
        return IDENTITY_MISSING_EXISTING_MEMBER;
    return is_legacy(by) ? IDENTITY_LEGACY_SIGNATURE_REUSE : IDENTITY_OK;
}

static enum identity_fault add(struct identity_state *state, const struct identity_action *action,
                               const struct verified_action *by, uint64_t timestamp_ns)
{
    struct identity_member member = {
        .id = action->subject,
        .has_added_by = true,
        .added_by = by->by.signer,
        .has_timestamp = true,
        .client_timestamp_ns = timestamp_ns,
        .has_chain_id = by->by_new.has_chain_id,
        .chain_id = by->by_new.chain_id,
    };
    enum identity_fault fault;

    if (state_has_seen(state, by->by.replay) || state_has_seen(state, by->by_new.replay))
        return IDENTITY_REPLAY;
    if (!ident_eq(by->by_new.signer, action->subject))
        return IDENTITY_NEW_MEMBER_MISMATCH;
    if (ident_eq(by->by_new.signer, by->by.signer))
        return IDENTITY_ADDS_ITSELF;
    if ((fault = check_legacy_add(state, by)) != IDENTITY_OK)
        return fault;
    if (!kind_suits(action->subject.kind, by->by_new.kind))
        return IDENTITY_SIGNATURE_NOT_ALLOWED;
    if ((fault = check_voucher(state, &by->by)) != IDENTITY_OK)
        return fault;
    if (!kind_suits(by->by.signer.kind, by->by.kind))
        return IDENTITY_SIGNATURE_NOT_ALLOWED;
    if (by->by.signer.kind == IDENT_INSTALLATION && action->subject.kind == IDENT_INSTALLATION)
        return IDENTITY_MEMBER_NOT_ALLOWED;
    return state_put_member(state, &member) ? IDENTITY_OK : IDENTITY_UNKNOWN;
}

/* What only the recovery identifier may do. */
static enum identity_fault check_recovery(const struct identity_state *state,
                                          const struct verified_signature *by)
{
    const struct identity_member *member = identity_state_member(state, by->signer);

    if (state_has_seen(state, by->replay))
        return IDENTITY_REPLAY;
    if (member != NULL && !chain_fits(member, by))
        return IDENTITY_CHAIN_ID_MISMATCH;
    if (is_legacy(by))
        return IDENTITY_SIGNATURE_NOT_ALLOWED;
    return ident_eq(by->signer, state->recovery) ? IDENTITY_OK : IDENTITY_MISSING_EXISTING_MEMBER;
}

/* The installations that the member granted go with it; accounts that it added stay. */
static enum identity_fault revoke(struct identity_state *state, struct ident subject,
                                  const struct verified_signature *by)
{
    enum identity_fault fault = check_recovery(state, by);

    if (fault != IDENTITY_OK)
        return fault;
    for (size_t i = state->members_n; i-- > 0;) {
        const struct identity_member *m = &state->members[i];

        if (m->id.kind == IDENT_INSTALLATION && m->has_added_by && ident_eq(m->added_by, subject))
            state_remove_member(state, m->id);
    }
    state_remove_member(state, subject);
    return IDENTITY_OK;
}

static enum identity_fault change_recovery(struct identity_state *state, struct ident subject,
                                           const struct verified_signature *by)
{
    enum identity_fault fault = check_recovery(state, by);

    if (fault != IDENTITY_OK)
        return fault;
    return state_set_recovery(state, subject) ? IDENTITY_OK : IDENTITY_UNKNOWN;
}

static enum identity_fault apply(struct identity_state **state, const struct identity_action *action,
                                 const struct verified_action *by, uint64_t timestamp_ns)
{
    if (action->kind == ACTION_CREATE)
        return create(state, action, &by->by);
    if (*state == NULL)
        return IDENTITY_NOT_CREATED;
    switch (action->kind) {
    case ACTION_CREATE:
        break;
    case ACTION_ADD:
        return add(*state, action, by, timestamp_ns);
    case ACTION_REVOKE:
        return revoke(*state, action->subject, &by->by);
    case ACTION_CHANGE_RECOVERY:
        return change_recovery(*state, action->subject, &by->by);
    }
    return IDENTITY_MALFORMED;
}

/* ---- Updates and logs ---- */

/* Only now, so that one signature may serve many actions of one update. */
static enum identity_fault remember(struct identity_state *state, const struct identity_update *update,
                                    const struct verified_action *verified)
{
    struct pool pool = POOL_INIT;
    struct slice *replays = pool_alloc(&pool, update->actions_n, 2 * sizeof *replays);
    enum identity_fault fault = IDENTITY_UNKNOWN;
    size_t n = 0;

    if (replays == NULL)
        goto done;
    for (size_t i = 0; i < update->actions_n; i++) {
        replays[n++] = verified[i].by.replay;
        if (update->actions[i].kind == ACTION_ADD)
            replays[n++] = verified[i].by_new.replay;
    }
    if (state_put_seen(state, replays, n))
        fault = IDENTITY_OK;
done:
    pool_free(&pool);
    return fault;
}

static enum identity_fault apply_all(struct identity_state **state, const struct identity_update *update,
                                     const struct verified_action *verified)
{
    enum identity_fault fault;

    for (size_t i = 0; i < update->actions_n; i++)
        if ((fault = apply(state, &update->actions[i], &verified[i], update->client_timestamp_ns)) !=
            IDENTITY_OK)
            return fault;
    if (*state == NULL)
        return IDENTITY_NOT_CREATED;
    if (!slice_eq(slice_str((*state)->inbox_id), update->inbox_id))
        return IDENTITY_WRONG_INBOX_ID;
    return remember(*state, update, verified);
}

static enum identity_fault fault_of_error(int r, enum identity_fault wrong)
{
    return r == ERR_AUTH || r == ERR_MALFORMED || r == ERR_TOOBIG ? wrong : IDENTITY_UNKNOWN;
}

int identity_state_advance(const struct identity_state *old, struct slice update, uint64_t sequence_id,
                           const struct scw_verifier *verifier, struct identity_state **out,
                           enum identity_fault *fault, struct err *err)
{
    struct identity_update parsed = {0};
    struct identity_state *state = NULL;
    struct verified_action *verified;
    enum identity_fault why = IDENTITY_UNKNOWN;
    int r;

    if ((r = identity_update_parse(update, &parsed, err)) != 0) {
        why = fault_of_error(r, IDENTITY_MALFORMED);
        goto done;
    }
    if ((r = identity_update_verify(&parsed, verifier, &parsed.pool, &verified, err)) != 0) {
        why = fault_of_error(r, IDENTITY_SIGNATURE);
        goto done;
    }
    if (old != NULL && (state = state_clone(old)) == NULL) {
        r = err_set(err, ERR_NOMEM, "out of memory");
        goto done;
    }
    if ((why = apply_all(&state, &parsed, verified)) != IDENTITY_OK) {
        r = why == IDENTITY_UNKNOWN ? err_set(err, ERR_NOMEM, "out of memory")
                                    : err_set(err, ERR_DENIED, "%s", identity_fault_name(why));
        goto done;
    }
    state->sequence_id = sequence_id;
    *out = state;
    state = NULL;
done:
    if (fault != NULL)
        *fault = why;
    identity_state_free(state);
    identity_update_free(&parsed);
    return r;
}

int identity_state_at(const struct identity_state *from, const struct identity_log_entry *log, size_t log_n,
                      uint64_t at, const struct scw_verifier *verifier, struct identity_state **out,
                      enum identity_fault *fault, struct err *err)
{
    const struct identity_state *newest = from;
    struct identity_state *made = NULL, *next;
    int r = 0;

    for (size_t i = 0; i < log_n && (at == 0 || log[i].sequence_id <= at); i++) {
        if (newest != NULL && log[i].sequence_id <= newest->sequence_id)
            continue;
        r = identity_state_advance(newest, log[i].update, log[i].sequence_id, verifier, &next, fault, err);
        if (r != 0) {
            err_wrap(err, r, "update %llu", (unsigned long long)log[i].sequence_id);
            goto done;
        }
        identity_state_free(made);
        newest = made = next;
    }
    if (newest == NULL || (at != 0 && newest->sequence_id != at)) {
        if (fault != NULL)
            *fault = IDENTITY_MISSING_UPDATE;
        r = err_set(err, ERR_NOTFOUND, "no identity update %llu", (unsigned long long)at);
        goto done;
    }
    if (made == NULL && (made = state_clone(newest)) == NULL) { /* the cached one is the answer */
        if (fault != NULL)
            *fault = IDENTITY_UNKNOWN;
        r = err_set(err, ERR_NOMEM, "out of memory");
        goto done;
    }
    if (fault != NULL)
        *fault = IDENTITY_OK;
    *out = made;
    made = NULL;
done:
    identity_state_free(made);
    return r;
}
