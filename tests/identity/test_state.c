/* The state machine: every case was tried against the real libxmtp, and gave what stands here. */
#include "tests/identity/forge.h"
#include "tests/test.h"

#include "base/alloc.h"
#include "base/err.h"
#include "crypto/crypto.h"

#define T0     UINT64_C(1700000000123456789)
#define SECOND UINT64_C(1000000000)

/* An inbox with what happened to it so far. */
struct world {
    struct eth_key wallet[3];
    char address[3][ETH_ADDRESS_LEN + 1];
    struct ed25519_key phone, laptop;
    char inbox_id[INBOX_ID_LEN + 1];
    uint64_t now;
    struct identity_state *state;
    struct bytes last; /* the last update tried */
};

static void make_keys(struct world *w)
{
    uint8_t seed[32];

    for (int i = 0; i < 3; i++) {
        memset(seed, 0x11 * (i + 1), sizeof seed);
        assert_int_equal(eth_from_secret(seed, &w->wallet[i]), 0);
        eth_address(&w->wallet[i], w->address[i]);
    }
    memset(seed, 0x44, sizeof seed);
    ed25519_from_seed(seed, &w->phone);
    memset(seed, 0x55, sizeof seed);
    ed25519_from_seed(seed, &w->laptop);
    assert_int_equal(inbox_id_derive(ident_ethereum(w->address[0]), 1, w->inbox_id, NULL), 0);
}

static int begin(void **state)
{
    struct world *w = xm_alloc(sizeof *w);

    make_keys(w);
    w->now = T0;
    *state = w;
    return 0;
}

static int end(void **state)
{
    struct world *w = *state;

    identity_state_free(w->state);
    bytes_free(&w->last);
    xm_free(w);
    return 0;
}

static struct ident wallet_ident(const struct world *w, int i)
{
    return ident_ethereum(w->address[i]);
}

static struct ident device(const struct ed25519_key *key)
{
    return ident_installation(key->public_key);
}

/* Tries bytes on top of the world's state, and keeps the new one. */
static enum identity_fault try_bytes(struct world *w, struct slice update)
{
    struct identity_state *next = NULL;
    enum identity_fault fault;
    int r = identity_state_advance(w->state, update, w->state != NULL ? w->state->sequence_id + 1 : 1, NULL,
                                   &next, &fault, NULL);

    assert_int_equal(r == 0, fault == IDENTITY_OK);
    if (r == 0) {
        identity_state_free(w->state);
        w->state = next;
    } else {
        assert_null(next);
    }
    return fault;
}

static enum identity_fault try_actions(struct world *w, const struct forged_action *actions, size_t n)
{
    bytes_free(&w->last);
    w->last = forge(w->inbox_id, w->now, actions, n);
    w->now += SECOND;
    return try_bytes(w, bytes_slice(&w->last));
}

#define TRY(w, ...)                                                                                          \
    try_actions(w, (struct forged_action[]){__VA_ARGS__},                                                    \
                sizeof((struct forged_action[]){__VA_ARGS__}) / sizeof(struct forged_action))

static struct forged_action create_by(const struct world *w, int i, enum wallet_style style)
{
    return (struct forged_action){.kind = ACTION_CREATE,
                                  .subject = wallet_ident(w, i),
                                  .nonce = 1,
                                  .by = BY_WALLET_STYLE(&w->wallet[i], style)};
}

static struct forged_action grant(const struct world *w, int wallet, const struct ed25519_key *key,
                                  enum wallet_style style)
{
    return (struct forged_action){.kind = ACTION_ADD,
                                  .subject = device(key),
                                  .by = BY_WALLET_STYLE(&w->wallet[wallet], style),
                                  .by_new = BY_INSTALLATION(key)};
}

static struct forged_action add_wallet(const struct world *w, int wallet, struct signer by)
{
    return (struct forged_action){.kind = ACTION_ADD,
                                  .subject = wallet_ident(w, wallet),
                                  .by = by,
                                  .by_new = BY_WALLET(&w->wallet[wallet])};
}

static struct forged_action revoke_by(const struct world *w, int wallet, struct ident who)
{
    return (struct forged_action){.kind = ACTION_REVOKE, .subject = who, .by = BY_WALLET(&w->wallet[wallet])};
}

static struct forged_action hand_recovery(const struct world *w, int from, int to)
{
    return (struct forged_action){
        .kind = ACTION_CHANGE_RECOVERY, .subject = wallet_ident(w, to), .by = BY_WALLET(&w->wallet[from])};
}

/* Wallet 0 with the phone. */
static void register_inbox(struct world *w)
{
    assert_int_equal(TRY(w, create_by(w, 0, WALLET_PLAIN), grant(w, 0, &w->phone, WALLET_PLAIN)),
                     IDENTITY_OK);
}

static bool has(const struct world *w, struct ident id)
{
    return identity_state_member(w->state, id) != NULL;
}

static void assert_members(const struct world *w, size_t wallets, size_t installations)
{
    assert_int_equal(identity_state_count(w->state, IDENT_ETHEREUM), wallets);
    assert_int_equal(identity_state_count(w->state, IDENT_INSTALLATION), installations);
}

/* ---- Creation ---- */

static void create_and_grant_in_one_update(void **state)
{
    struct world *w = *state;
    const struct identity_member *owner, *phone;

    register_inbox(w);
    assert_string_equal(w->state->inbox_id, w->inbox_id);
    assert_int_equal(w->state->sequence_id, 1);
    assert_true(ident_eq(w->state->recovery, wallet_ident(w, 0)));
    assert_int_equal(w->state->members_n, 2);
    owner = identity_state_member(w->state, wallet_ident(w, 0));
    assert_false(owner->has_added_by);
    assert_false(owner->has_timestamp);
    assert_false(owner->has_chain_id);
    phone = identity_state_member(w->state, device(&w->phone));
    assert_true(phone->has_added_by);
    assert_true(ident_eq(phone->added_by, wallet_ident(w, 0)));
    assert_true(phone->has_timestamp);
    assert_int_equal(phone->client_timestamp_ns, T0);
    assert_int_equal(w->state->seen_n, 2); /* one signature of each, though the wallet's stands twice */
}

static void every_accepted_v_creates(void **state)
{
    struct world *w = *state;

    for (enum wallet_style style = WALLET_PLAIN; style <= WALLET_V_37_38; style++) {
        assert_int_equal(TRY(w, create_by(w, 0, style), grant(w, 0, &w->phone, style)), IDENTITY_OK);
        identity_state_free(w->state);
        w->state = NULL;
    }
}

static void a_correct_signature_of_high_s_is_of_somebody_else(void **state)
{
    struct world *w = *state;

    assert_int_equal(TRY(w, create_by(w, 0, WALLET_HIGH_S_FLIPPED)), IDENTITY_MISSING_EXISTING_MEMBER);
}

static void high_s_with_v_unchanged_is_accepted(void **state)
{
    struct world *w = *state;

    assert_int_equal(TRY(w, create_by(w, 0, WALLET_HIGH_S_KEPT)), IDENTITY_OK);
}

static void upper_case(const char *from, char to[ETH_ADDRESS_LEN + 1])
{
    for (int i = 0; i <= ETH_ADDRESS_LEN; i++)
        to[i] = (char)(from[i] >= 'a' && from[i] <= 'f' ? from[i] - 'a' + 'A' : from[i]);
}

static void an_owner_in_mixed_case_is_nobody(void **state)
{
    struct world *w = *state;
    struct forged_action create = create_by(w, 0, WALLET_PLAIN);
    char mixed[ETH_ADDRESS_LEN + 1];

    upper_case(w->address[0], mixed);
    create.subject = ident_ethereum(mixed);
    assert_int_equal(inbox_id_derive(create.subject, 1, w->inbox_id, NULL), 0);
    assert_int_equal(TRY(w, create), IDENTITY_MISSING_EXISTING_MEMBER);
}

static void the_nonce_must_give_the_inbox_id(void **state)
{
    struct world *w = *state;
    struct forged_action create = create_by(w, 0, WALLET_PLAIN);

    create.nonce = 2;
    assert_int_equal(TRY(w, create), IDENTITY_WRONG_INBOX_ID);
}

static void an_inbox_is_created_once(void **state)
{
    struct world *w = *state;

    assert_int_equal(TRY(w, create_by(w, 0, WALLET_PLAIN), create_by(w, 0, WALLET_PLAIN)),
                     IDENTITY_MULTIPLE_CREATE);
    register_inbox(w);
    assert_int_equal(TRY(w, create_by(w, 0, WALLET_PLAIN)), IDENTITY_MULTIPLE_CREATE);
}

static void nothing_happens_to_an_inbox_that_is_not_there(void **state)
{
    struct world *w = *state;

    assert_int_equal(TRY(w, grant(w, 0, &w->phone, WALLET_PLAIN)), IDENTITY_NOT_CREATED);
    assert_int_equal(TRY(w, revoke_by(w, 0, wallet_ident(w, 1))), IDENTITY_NOT_CREATED);
    assert_int_equal(TRY(w, hand_recovery(w, 0, 1)), IDENTITY_NOT_CREATED);
    assert_int_equal(try_actions(w, NULL, 0), IDENTITY_NOT_CREATED);
}

/* ---- Additions ---- */

static void an_installation_cannot_add_an_installation(void **state)
{
    struct world *w = *state;
    struct forged_action add = grant(w, 0, &w->laptop, WALLET_PLAIN);

    register_inbox(w);
    add.by = BY_INSTALLATION(&w->phone);
    assert_int_equal(TRY(w, add), IDENTITY_MEMBER_NOT_ALLOWED);
}

static void an_installation_can_add_a_wallet(void **state)
{
    struct world *w = *state;

    register_inbox(w);
    assert_int_equal(TRY(w, add_wallet(w, 1, BY_INSTALLATION(&w->phone))), IDENTITY_OK);
    assert_members(w, 2, 1);
    assert_true(ident_eq(identity_state_member(w->state, wallet_ident(w, 1))->added_by, device(&w->phone)));
}

static void a_wallet_cannot_add_itself(void **state)
{
    struct world *w = *state;

    register_inbox(w);
    assert_int_equal(TRY(w, add_wallet(w, 0, BY_WALLET(&w->wallet[0]))), IDENTITY_ADDS_ITSELF);
}

static void who_is_no_member_adds_nobody(void **state)
{
    struct world *w = *state;

    register_inbox(w);
    assert_int_equal(TRY(w, grant(w, 1, &w->laptop, WALLET_PLAIN)), IDENTITY_MISSING_EXISTING_MEMBER);
}

static void the_new_member_signs_for_itself(void **state)
{
    struct world *w = *state;
    struct forged_action add = grant(w, 0, &w->laptop, WALLET_PLAIN);

    register_inbox(w);
    add.by_new = BY_INSTALLATION(&w->phone);
    assert_int_equal(TRY(w, add), IDENTITY_NEW_MEMBER_MISMATCH);
    add.by_new = BY_WALLET(&w->wallet[1]);
    assert_int_equal(TRY(w, add), IDENTITY_NEW_MEMBER_MISMATCH);
}

static void the_same_update_twice_is_a_replay(void **state)
{
    struct world *w = *state;

    register_inbox(w);
    assert_int_equal(TRY(w, grant(w, 0, &w->laptop, WALLET_PLAIN)), IDENTITY_OK);
    assert_int_equal(try_bytes(w, bytes_slice(&w->last)), IDENTITY_REPLAY);
}

/* The wallet's signature counts as new with another v; the installation's is the old one. */
static void the_new_members_signature_cannot_be_replayed_either(void **state)
{
    struct world *w = *state;
    uint64_t then;

    register_inbox(w);
    then = w->now;
    assert_int_equal(TRY(w, grant(w, 0, &w->laptop, WALLET_PLAIN)), IDENTITY_OK);
    w->now = then;
    assert_int_equal(TRY(w, grant(w, 0, &w->laptop, WALLET_V_0_1)), IDENTITY_REPLAY);
}

static void the_same_member_added_with_fresh_signatures_gets_a_new_parent(void **state)
{
    struct world *w = *state;
    const struct identity_member *laptop;

    register_inbox(w);
    assert_int_equal(TRY(w, grant(w, 0, &w->laptop, WALLET_PLAIN)), IDENTITY_OK);
    assert_int_equal(TRY(w, add_wallet(w, 1, BY_INSTALLATION(&w->phone))), IDENTITY_OK);
    assert_int_equal(TRY(w, grant(w, 1, &w->laptop, WALLET_PLAIN)), IDENTITY_OK);
    assert_members(w, 2, 2);
    laptop = identity_state_member(w->state, device(&w->laptop));
    assert_true(ident_eq(laptop->added_by, wallet_ident(w, 1)));
    assert_int_equal(laptop->client_timestamp_ns, T0 + 3 * SECOND);
}

static void twelve_installations_fit_in_one_update(void **state)
{
    struct world *w = *state;
    struct forged_action actions[13] = {create_by(w, 0, WALLET_PLAIN)};
    struct ed25519_key keys[12];

    for (int i = 0; i < 12; i++) {
        uint8_t seed[32] = {(uint8_t)i, 0x99};

        ed25519_from_seed(seed, &keys[i]);
        actions[i + 1] = grant(w, 0, &keys[i], WALLET_PLAIN);
    }
    assert_int_equal(try_actions(w, actions, 13), IDENTITY_OK);
    assert_members(w, 1, 12);
}

static void an_update_may_be_older_than_the_one_before(void **state)
{
    struct world *w = *state;

    register_inbox(w);
    w->now = T0 - 1000 * SECOND;
    assert_int_equal(TRY(w, grant(w, 0, &w->laptop, WALLET_PLAIN)), IDENTITY_OK);
    /* listed by their clocks, the owner without a time last */
    assert_true(ident_eq(identity_state_nth(w->state, 0, 0)->id, device(&w->laptop)));
    assert_true(ident_eq(identity_state_nth(w->state, 0, 1)->id, device(&w->phone)));
    assert_true(ident_eq(identity_state_nth(w->state, 0, 2)->id, wallet_ident(w, 0)));
    assert_null(identity_state_nth(w->state, 0, 3));
    assert_true(ident_eq(identity_state_nth(w->state, IDENT_INSTALLATION, 1)->id, device(&w->phone)));
    assert_null(identity_state_nth(w->state, IDENT_INSTALLATION, 2));
}

static void an_update_without_actions_is_accepted(void **state)
{
    struct world *w = *state;

    register_inbox(w);
    assert_int_equal(try_actions(w, NULL, 0), IDENTITY_OK);
    assert_int_equal(w->state->sequence_id, 2);
    assert_members(w, 1, 1);
}

static void an_update_for_another_inbox_is_refused(void **state)
{
    struct world *w = *state;

    register_inbox(w);
    w->inbox_id[0] = w->inbox_id[0] == 'a' ? 'b' : 'a';
    assert_int_equal(TRY(w, grant(w, 0, &w->laptop, WALLET_PLAIN)), IDENTITY_WRONG_INBOX_ID);
}

/* ---- Recovery ---- */

static void a_recovery_identifier_that_is_no_member_adds_and_revokes(void **state)
{
    struct world *w = *state;

    register_inbox(w);
    assert_int_equal(TRY(w, hand_recovery(w, 0, 1)), IDENTITY_OK);
    assert_true(ident_eq(w->state->recovery, wallet_ident(w, 1)));
    assert_members(w, 1, 1);
    assert_int_equal(TRY(w, add_wallet(w, 2, BY_WALLET(&w->wallet[1]))), IDENTITY_OK);
    assert_int_equal(TRY(w, revoke_by(w, 1, wallet_ident(w, 0))), IDENTITY_OK);
    assert_members(w, 1, 0); /* the first wallet's installation went with it */
    assert_true(has(w, wallet_ident(w, 2)));
}

static void the_old_recovery_identifier_has_lost_its_power(void **state)
{
    struct world *w = *state;

    register_inbox(w);
    assert_int_equal(TRY(w, hand_recovery(w, 0, 1)), IDENTITY_OK);
    assert_int_equal(TRY(w, revoke_by(w, 0, device(&w->phone))), IDENTITY_MISSING_EXISTING_MEMBER);
    assert_int_equal(TRY(w, hand_recovery(w, 0, 0)), IDENTITY_MISSING_EXISTING_MEMBER);
}

static void the_new_recovery_identifier_acts_in_the_same_update(void **state)
{
    struct world *w = *state;

    register_inbox(w);
    assert_int_equal(TRY(w, hand_recovery(w, 0, 1), revoke_by(w, 1, device(&w->phone))), IDENTITY_OK);
    assert_members(w, 1, 0);
}

static void an_installation_is_no_recovery_identifier(void **state)
{
    struct world *w = *state;
    struct forged_action revoke = revoke_by(w, 0, wallet_ident(w, 0));

    register_inbox(w);
    revoke.by = BY_INSTALLATION(&w->phone);
    assert_int_equal(TRY(w, revoke), IDENTITY_MISSING_EXISTING_MEMBER);
}

static void a_passkey_becomes_recovery_identifier_by_its_bytes(void **state)
{
    struct world *w = *state;
    struct forged_action change = hand_recovery(w, 0, 1);

    register_inbox(w);
    change.subject = ident_passkey(slice_str("any bytes are a key here"));
    assert_int_equal(TRY(w, change), IDENTITY_OK);
    assert_true(ident_eq(w->state->recovery, ident_passkey(slice_str("any bytes are a key here"))));
}

/* ---- Revocations ---- */

static void revoking_what_is_no_member_removes_nothing(void **state)
{
    struct world *w = *state;
    char mixed[ETH_ADDRESS_LEN + 1];

    register_inbox(w);
    upper_case(w->address[0], mixed);
    assert_int_equal(TRY(w, revoke_by(w, 0, ident_ethereum(mixed))), IDENTITY_OK);
    assert_int_equal(TRY(w, revoke_by(w, 0, wallet_ident(w, 2))), IDENTITY_OK);
    assert_int_equal(TRY(w, revoke_by(w, 0, (struct ident){IDENT_ETHEREUM, slice_of("a\0b", 3)})),
                     IDENTITY_OK);
    assert_members(w, 1, 1);
}

static void a_wallet_stays_when_the_installation_that_added_it_goes(void **state)
{
    struct world *w = *state;

    register_inbox(w);
    assert_int_equal(TRY(w, add_wallet(w, 1, BY_INSTALLATION(&w->phone))), IDENTITY_OK);
    assert_int_equal(TRY(w, revoke_by(w, 0, device(&w->phone))), IDENTITY_OK);
    assert_members(w, 2, 0);
}

static void a_wallet_takes_only_its_own_installations_along(void **state)
{
    struct world *w = *state;

    register_inbox(w);
    assert_int_equal(TRY(w, add_wallet(w, 1, BY_INSTALLATION(&w->phone))), IDENTITY_OK);
    assert_int_equal(TRY(w, grant(w, 1, &w->laptop, WALLET_PLAIN)), IDENTITY_OK);
    assert_int_equal(TRY(w, revoke_by(w, 0, wallet_ident(w, 1))), IDENTITY_OK);
    assert_members(w, 1, 1);
    assert_true(has(w, device(&w->phone)));
}

static void a_revoked_installation_can_come_back(void **state)
{
    struct world *w = *state;

    register_inbox(w);
    assert_int_equal(TRY(w, revoke_by(w, 0, device(&w->phone))), IDENTITY_OK);
    assert_members(w, 1, 0);
    assert_int_equal(TRY(w, grant(w, 0, &w->phone, WALLET_PLAIN)), IDENTITY_OK);
    assert_members(w, 1, 1);
}

static void a_revoked_wallet_still_adds_as_recovery_identifier(void **state)
{
    struct world *w = *state;

    register_inbox(w);
    assert_int_equal(TRY(w, revoke_by(w, 0, wallet_ident(w, 0))), IDENTITY_OK);
    assert_int_equal(w->state->members_n, 0);
    assert_int_equal(TRY(w, grant(w, 0, &w->phone, WALLET_PLAIN)), IDENTITY_OK);
    assert_members(w, 0, 1);
}

/* The stored bytes keep v as it came, so one signature counts as two; libxmtp has it so. */
static void a_replayed_revoke_with_another_v_is_accepted(void **state)
{
    struct world *w = *state;
    struct forged_action revoke = revoke_by(w, 0, device(&w->phone));
    uint64_t then;

    register_inbox(w);
    then = w->now;
    assert_int_equal(TRY(w, revoke), IDENTITY_OK);
    assert_int_equal(TRY(w, grant(w, 0, &w->phone, WALLET_PLAIN)), IDENTITY_OK);
    w->now = then;
    assert_int_equal(TRY(w, revoke), IDENTITY_REPLAY);
    w->now = then;
    revoke.by.style = WALLET_V_0_1;
    assert_int_equal(TRY(w, revoke), IDENTITY_OK);
    assert_members(w, 1, 0);
}

static void a_changed_recovery_cannot_be_replayed(void **state)
{
    struct world *w = *state;

    register_inbox(w);
    assert_int_equal(TRY(w, hand_recovery(w, 0, 0)), IDENTITY_OK);
    assert_int_equal(try_bytes(w, bytes_slice(&w->last)), IDENTITY_REPLAY);
}

/* ---- Logs, differences, caches ---- */

#define LOG_MAX 8
struct log {
    struct bytes kept[LOG_MAX];
    struct identity_log_entry entry[LOG_MAX];
    size_t n;
};

/* Sequence ids have gaps, as on the network. */
static void keep(struct log *log, struct world *w)
{
    assert_int_equal(bytes_dup(bytes_slice(&w->last), &log->kept[log->n]), 0);
    log->entry[log->n] = (struct identity_log_entry){10 * (log->n + 1), bytes_slice(&log->kept[log->n])};
    log->n++;
}

static void make_log(struct log *log, struct world *w)
{
    *log = (struct log){0};
    register_inbox(w);
    keep(log, w);
    assert_int_equal(TRY(w, grant(w, 0, &w->laptop, WALLET_PLAIN)), IDENTITY_OK);
    keep(log, w);
    assert_int_equal(TRY(w, revoke_by(w, 0, device(&w->phone))), IDENTITY_OK);
    keep(log, w);
}

static void free_log(struct log *log)
{
    while (log->n > 0)
        bytes_free(&log->kept[--log->n]);
}

static size_t installations_at(const struct log *log, const struct identity_state *from, uint64_t at)
{
    struct identity_state *s = NULL;
    size_t n;

    assert_int_equal(identity_state_at(from, log->entry, log->n, at, NULL, &s, NULL, NULL), 0);
    assert_int_equal(s->sequence_id, at != 0 ? at : log->entry[log->n - 1].sequence_id);
    n = identity_state_count(s, IDENT_INSTALLATION);
    identity_state_free(s);
    return n;
}

static void the_state_at_each_sequence_id(void **state)
{
    struct world *w = *state;
    struct identity_state *s = NULL;
    enum identity_fault fault;
    struct log log;

    make_log(&log, w);
    assert_int_equal(installations_at(&log, NULL, 10), 1);
    assert_int_equal(installations_at(&log, NULL, 20), 2);
    assert_int_equal(installations_at(&log, NULL, 30), 1);
    assert_int_equal(installations_at(&log, NULL, 0), 1);
    assert_int_equal(identity_state_at(NULL, log.entry, log.n, 25, NULL, &s, &fault, NULL), ERR_NOTFOUND);
    assert_int_equal(fault, IDENTITY_MISSING_UPDATE);
    assert_int_equal(identity_state_at(NULL, log.entry, log.n, 31, NULL, &s, &fault, NULL), ERR_NOTFOUND);
    assert_int_equal(identity_state_at(NULL, NULL, 0, 0, NULL, &s, &fault, NULL), ERR_NOTFOUND);
    assert_null(s);
    free_log(&log);
}

static void a_cached_state_is_built_upon(void **state)
{
    struct world *w = *state;
    struct identity_state *at_20 = NULL;
    struct log log;

    make_log(&log, w);
    assert_int_equal(identity_state_at(NULL, log.entry, log.n, 20, NULL, &at_20, NULL, NULL), 0);
    log.entry[0].update = slice_str("not looked at again");
    assert_int_equal(installations_at(&log, at_20, 30), 1);
    assert_int_equal(installations_at(&log, at_20, 20), 2);
    identity_state_free(at_20);
    free_log(&log);
}

static void one_bad_update_spoils_the_inbox(void **state)
{
    struct world *w = *state;
    struct identity_state *s = NULL;
    enum identity_fault fault;
    struct log log;

    make_log(&log, w);
    log.entry[1].update.len--;
    assert_int_equal(identity_state_at(NULL, log.entry, log.n, 0, NULL, &s, &fault, NULL), ERR_MALFORMED);
    assert_int_equal(fault, IDENTITY_MALFORMED);
    assert_int_equal(installations_at(&log, NULL, 10), 1); /* what comes before it stands */
    free_log(&log);
}

static void a_diff_names_who_came_and_who_went(void **state)
{
    struct world *w = *state;
    struct identity_state *early = NULL;
    struct identity_diff diff;
    struct log log;

    make_log(&log, w);
    assert_int_equal(identity_state_at(NULL, log.entry, log.n, 10, NULL, &early, NULL, NULL), 0);
    assert_int_equal(identity_diff(early, w->state, &diff), 0);
    assert_int_equal(diff.added_n, 1);
    assert_true(ident_eq(diff.added[0], device(&w->laptop)));
    assert_int_equal(diff.removed_n, 1);
    assert_true(ident_eq(diff.removed[0], device(&w->phone)));
    identity_diff_free(&diff);
    assert_int_equal(identity_diff(NULL, early, &diff), 0);
    assert_int_equal(diff.added_n, 2);
    assert_int_equal(diff.removed_n, 0);
    identity_diff_free(&diff);
    assert_int_equal(identity_diff(early, NULL, &diff), 0);
    assert_int_equal(diff.added_n, 0);
    assert_int_equal(diff.removed_n, 2);
    identity_diff_free(&diff);
    identity_state_free(early);
    free_log(&log);
}

static void assert_same_state(const struct identity_state *a, const struct identity_state *b)
{
    struct buf x = BUF_INIT, y = BUF_INIT;

    identity_state_write(a, &x);
    identity_state_write(b, &y);
    assert_true(buf_ok(&x) && buf_ok(&y));
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.data, y.data, x.len);
    buf_free(&x);
    buf_free(&y);
}

static void a_state_survives_its_cache(void **state)
{
    struct world *w = *state;
    struct identity_state *back = NULL;
    struct buf bytes = BUF_INIT;

    register_inbox(w);
    assert_int_equal(TRY(w, add_wallet(w, 1, BY_INSTALLATION(&w->phone))), IDENTITY_OK);
    assert_int_equal(TRY(w, hand_recovery(w, 0, 1)), IDENTITY_OK);
    identity_state_write(w->state, &bytes);
    assert_int_equal(identity_state_read(buf_slice(&bytes), 3, &back, NULL), 0);
    assert_same_state(w->state, back);
    assert_int_equal(back->members_n, 3);
    assert_int_equal(back->seen_n, w->state->seen_n);
    assert_false(identity_state_member(back, wallet_ident(w, 0))->has_timestamp);
    assert_true(ident_eq(identity_state_member(back, wallet_ident(w, 1))->added_by, device(&w->phone)));
    for (size_t cut = 0; cut < bytes.len; cut++) {
        struct identity_state *none = NULL;

        if (identity_state_read(slice_of(bytes.data, cut), 3, &none, NULL) == 0)
            identity_state_free(none); /* a whole message less its last fields; no crash is all we ask */
    }
    identity_state_free(back);
    buf_free(&bytes);
}

/* ---- When memory runs out ---- */

static void any_allocation_may_fail(void **state)
{
    struct world *w = *state;
    struct forged_action second = grant(w, 0, &w->laptop, WALLET_PLAIN);
    struct identity_state *next;
    enum identity_fault fault;
    unsigned long n = 0;
    struct bytes update;
    int r;

    register_inbox(w);
    update = forge(w->inbox_id, w->now, &second, 1);
    do {
        next = NULL;
        alloc_fail_after(++n);
        r = identity_state_advance(w->state, bytes_slice(&update), 2, NULL, &next, &fault, NULL);
        alloc_fail_after(0);
        if (r != 0) {
            assert_int_equal(r, ERR_NOMEM);
            assert_int_equal(fault, IDENTITY_UNKNOWN); /* not refused: try again */
            assert_null(next);
        }
    } while (r != 0);
    assert_true(n > 5);
    assert_members(w, 1, 1); /* the old state is as it was */
    identity_state_free(next);
    bytes_free(&update);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(create_and_grant_in_one_update),
        CASE(every_accepted_v_creates),
        CASE(a_correct_signature_of_high_s_is_of_somebody_else),
        CASE(high_s_with_v_unchanged_is_accepted),
        CASE(an_owner_in_mixed_case_is_nobody),
        CASE(the_nonce_must_give_the_inbox_id),
        CASE(an_inbox_is_created_once),
        CASE(nothing_happens_to_an_inbox_that_is_not_there),
        CASE(an_installation_cannot_add_an_installation),
        CASE(an_installation_can_add_a_wallet),
        CASE(a_wallet_cannot_add_itself),
        CASE(who_is_no_member_adds_nobody),
        CASE(the_new_member_signs_for_itself),
        CASE(the_same_update_twice_is_a_replay),
        CASE(the_new_members_signature_cannot_be_replayed_either),
        CASE(the_same_member_added_with_fresh_signatures_gets_a_new_parent),
        CASE(twelve_installations_fit_in_one_update),
        CASE(an_update_may_be_older_than_the_one_before),
        CASE(an_update_without_actions_is_accepted),
        CASE(an_update_for_another_inbox_is_refused),
        CASE(a_recovery_identifier_that_is_no_member_adds_and_revokes),
        CASE(the_old_recovery_identifier_has_lost_its_power),
        CASE(the_new_recovery_identifier_acts_in_the_same_update),
        CASE(an_installation_is_no_recovery_identifier),
        CASE(a_passkey_becomes_recovery_identifier_by_its_bytes),
        CASE(revoking_what_is_no_member_removes_nothing),
        CASE(a_wallet_stays_when_the_installation_that_added_it_goes),
        CASE(a_wallet_takes_only_its_own_installations_along),
        CASE(a_revoked_installation_can_come_back),
        CASE(a_revoked_wallet_still_adds_as_recovery_identifier),
        CASE(a_replayed_revoke_with_another_v_is_accepted),
        CASE(a_changed_recovery_cannot_be_replayed),
        CASE(the_state_at_each_sequence_id),
        CASE(a_cached_state_is_built_upon),
        CASE(one_bad_update_spoils_the_inbox),
        CASE(a_diff_names_who_came_and_who_went),
        CASE(a_state_survives_its_cache),
        CASE(any_allocation_may_fail),
    };

    if (crypto_init(NULL) != 0)
        return 99;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
