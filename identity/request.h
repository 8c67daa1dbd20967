/* Signature requests: an identity update in the making.
 *
 * State the actions, show or sign the text, put the signatures in, take the finished update:
 *
 *   request_new(inbox_id, now_ns, &req); request_create_inbox(req, owner, nonce);
 *   request_add(req, installation, owner);
 *   request_sign_installation(req, &key);           // our own, at once
 *   text = request_text(req);                        // to the wallet, by copy and paste
 *   request_put_wallet_signature(req, sig65);        // from the wallet
 *   request_finish(req, &update);                    // to verify, then to publish
 *
 * A party that stands in several places signs once.
 * Thread: belongs to one.  Nothing here touches network or storage. */
#pragma once
#include "base/bytes.h"
#include "identity/ident.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct ed25519_key;
struct eth_key;
struct identity_request;
struct identity_state;

/* `now_ns` becomes the update's timestamp and stands in the text.  ERR_INVALID (no inbox id),
 * ERR_NOMEM. */
int request_new(const char *inbox_id, uint64_t now_ns, struct identity_request **out, struct err *err);
void request_free(struct identity_request *req); /* NULL is fine */

/* The actions, in order; ERR_STATE once anything is signed, ERR_INVALID for an address that is not
 * lower-case (others would refuse it) or an identifier that cannot stand there, ERR_NOMEM. */
int request_create_inbox(struct identity_request *req, struct ident owner, uint64_t nonce, struct err *err);
int request_add(struct identity_request *req, struct ident new_member, struct ident existing,
                struct err *err);
int request_revoke(struct identity_request *req, struct ident member, struct ident recovery, struct err *err);
int request_change_recovery(struct identity_request *req, struct ident recovery, struct ident next,
                            struct err *err);

/* The usual ones in one call.  Each makes a new request, in which the installation that is given has
 * signed already. */
/* A new inbox for `owner` with this installation; *inbox_id is derived and written. */
int request_registration(struct ident owner, uint64_t nonce, const struct ed25519_key *installation,
                         uint64_t now_ns, char inbox_id[INBOX_ID_LEN + 1], struct identity_request **out,
                         struct err *err);
/* One more installation of `state`'s inbox, vouched for by `account`.  ERR_DENIED: `account` may not,
 * or IDENTITY_MAX_INSTALLATIONS are there already.  ERR_EXISTS: it is there. */
int request_installation(const struct identity_state *state, struct ident account,
                         const struct ed25519_key *installation, uint64_t now_ns,
                         struct identity_request **out, struct err *err);
/* Signed by the recovery identifier of `state`.  ERR_NOTFOUND for one that is no member (nothing
 * would be removed). */
int request_revocation(const struct identity_state *state, const struct ident *members, size_t members_n,
                       uint64_t now_ns, struct identity_request **out, struct err *err);
/* Links `account`; the installation signs at once, the account is asked. */
int request_account(const struct identity_state *state, struct ident account,
                    const struct ed25519_key *installation, uint64_t now_ns, struct identity_request **out,
                    struct err *err);
int request_recovery(const struct identity_state *state, struct ident next, uint64_t now_ns,
                     struct identity_request **out, struct err *err);

/* What every party signs; NUL-terminated, the request's own.  NULL when out of memory. */
const char *request_text(struct identity_request *req);
/* The i-th party whose signature is missing, false past the end. */
bool request_missing(const struct identity_request *req, size_t i, struct ident *out);

/* Signs for the installation or the wallet; ERR_NOTFOUND if it is no party.  Signing again, or after
 * somebody gave that party's signature, changes nothing (for the two) or replaces it (for the given
 * ones below). */
int request_sign_installation(struct identity_request *req, const struct ed25519_key *key, struct err *err);
int request_sign_wallet(struct identity_request *req, const struct eth_key *key, struct err *err);
/* 65 bytes from a wallet elsewhere, brought into the common form.  ERR_AUTH with the address that it
 * is from when that is not one asked for. */
int request_put_wallet_signature(struct identity_request *req, struct slice signature, struct err *err);
/* A smart contract wallet's, as verified at `block_number`. */
int request_put_contract_signature(struct identity_request *req, uint64_t chain_id, const char *address,
                                   uint64_t block_number, struct slice signature, struct err *err);
int request_put_passkey_signature(struct identity_request *req, struct slice public_key,
                                  struct slice signature, struct slice authenticator_data,
                                  struct slice client_data_json, struct err *err);

/* The serialised IdentityUpdate; ERR_STATE while a signature is missing.  Verify it with
 * identity_state_advance() before publishing. */
int request_finish(const struct identity_request *req, struct bytes *out, struct err *err);

/* "0x…" or bare, 130 digits, spaces around allowed: what a person pastes.  ERR_INVALID. */
int request_parse_signature(const char *text, uint8_t out[65], struct err *err);
