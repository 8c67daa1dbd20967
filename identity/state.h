/* Association state: who belongs to an inbox, after its updates up to some sequence id.
 *
 * Pure: bytes and states in, states out; callers do the I/O.  The rules are libxmtp's, with its
 * quirks (identity/rules.c), because groups pin members to (inbox, sequence id) and fork where two
 * clients see two states.
 *
 * The usual ways in:
 *   a client:  identity_state_at(log, n, sequence_id, ...)  → state, then identity_diff()
 *   a node:    identity_state_at(stored log, newest) → old; identity_state_advance(old, update) → new;
 *              identity_diff(old, new); refuse the publish when advance fails
 *   a cache:   identity_state_write() / identity_state_read()
 * Thread: any; a state belongs to one, and is not changed once made. */
#pragma once
#include "base/bytes.h"
#include "identity/ident.h"
#include "identity/pool.h"
#include "identity/verify.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct identity_update;

struct identity_member {
    struct ident id;
    bool has_added_by; /* false for the owner an inbox was created with */
    struct ident added_by;
    bool has_timestamp;
    uint64_t client_timestamp_ns; /* of the update that added it: its author's clock */
    bool has_chain_id;
    uint64_t chain_id; /* smart contract wallets */
};

/* Read freely; all pointers are the state's own. */
struct identity_state {
    char inbox_id[INBOX_ID_LEN + 1];
    uint64_t sequence_id; /* of the last update applied; 0 when unknown */
    struct ident recovery;
    struct identity_member *members; /* as clients list them: by timestamp, those without one last */
    size_t members_n, members_cap;
    struct slice *seen; /* replay bytes of all signatures, sorted */
    size_t seen_n;
    struct pool pool;
};

/* Why an update is refused; libxmtp's names in identity_fault_name(). */
enum identity_fault {
    IDENTITY_OK,
    IDENTITY_MALFORMED, /* it does not parse */
    IDENTITY_SIGNATURE, /* a signature does not verify */
    IDENTITY_UNKNOWN,   /* could not be decided now (smart contract wallet, memory): try again */
    IDENTITY_MULTIPLE_CREATE,
    IDENTITY_NOT_CREATED,
    IDENTITY_MEMBER_NOT_ALLOWED,
    IDENTITY_MISSING_EXISTING_MEMBER,
    IDENTITY_LEGACY_SIGNATURE_REUSE,
    IDENTITY_NEW_MEMBER_MISMATCH,
    IDENTITY_ADDS_ITSELF,
    IDENTITY_WRONG_INBOX_ID,
    IDENTITY_SIGNATURE_NOT_ALLOWED,
    IDENTITY_REPLAY,
    IDENTITY_CHAIN_ID_MISMATCH,
    IDENTITY_INVALID_ADDRESS,
    IDENTITY_MISSING_UPDATE /* the log does not reach the sequence id asked for */
};
const char *identity_fault_name(enum identity_fault fault);

/* One update on top of `old` (NULL: a new inbox), which stays as it is.  `update`: bytes as received.
 * *fault (may be NULL) tells more than the code: ERR_MALFORMED, ERR_AUTH (signature), ERR_DENIED (a
 * rule), ERR_TOOBIG, ERR_NOMEM, ERR_UNSUPPORTED and whatever the verifier says. */
int identity_state_advance(const struct identity_state *old, struct slice update, uint64_t sequence_id,
                           const struct scw_verifier *verifier, struct identity_state **out,
                           enum identity_fault *fault, struct err *err);

struct identity_log_entry {
    uint64_t sequence_id;
    struct slice update;
};
/* The state at sequence id `at`, from an inbox's log in rising order; entries past `at` are not
 * looked at.  `at` 0: the whole log.  `from` (may be NULL): a cached state of the same inbox, entries
 * up to its sequence id are left out.  ERR_NOTFOUND when no entry is at `at` exactly, or the log is
 * empty and there is no `from`; else as above: one bad update spoils the inbox. */
int identity_state_at(const struct identity_state *from, const struct identity_log_entry *log, size_t log_n,
                      uint64_t at, const struct scw_verifier *verifier, struct identity_state **out,
                      enum identity_fault *fault, struct err *err);
void identity_state_free(struct identity_state *state); /* NULL is fine */

/* NULL when it is no member. */
const struct identity_member *identity_state_member(const struct identity_state *state, struct ident id);
bool identity_state_has_installation(const struct identity_state *state, struct slice installation);
/* The i-th of a kind, NULL past the end.  `kind` 0: all; IDENT_ETHEREUM, IDENT_PASSKEY,
 * IDENT_INSTALLATION: only those. */
const struct identity_member *identity_state_nth(const struct identity_state *state, int kind, size_t i);
size_t identity_state_count(const struct identity_state *state, int kind);

/* Clients refuse to register one more; the state machine itself has no limit. */
#define IDENTITY_MAX_INSTALLATIONS 10

/* Views into the two states. */
struct identity_diff {
    struct ident *added, *removed;
    size_t added_n, removed_n;
};
/* `from` NULL: everything in `to` is new.  `to` NULL: everything in `from` is removed.  ERR_NOMEM. */
int identity_diff(const struct identity_state *from, const struct identity_state *to,
                  struct identity_diff *out);
void identity_diff_free(struct identity_diff *diff);

/* The AssociationState message, for caches.  The sequence id is not in it. */
void identity_state_write(const struct identity_state *state, struct buf *out);
/* ERR_MALFORMED, ERR_NOMEM. */
int identity_state_read(struct slice data, uint64_t sequence_id, struct identity_state **out,
                        struct err *err);
