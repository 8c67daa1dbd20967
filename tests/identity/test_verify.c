/* Signatures that the recorded updates do not have: smart contract wallets, keys of the old protocol,
 * passkeys. */
#include "tests/identity/forge.h"
#include "tests/test.h"

#include "base/err.h"
#include "base/hex.h"
#include "crypto/crypto.h"
#include "crypto/hash.h"
#include "crypto/openssl.h"
#include "identity/verify.h"
#include "proto/wire.h"

#include <sodium.h>
#include <stdio.h>

#define NOW UINT64_C(1700000000123456789)

static struct eth_key wallet, other;
static struct ed25519_key phone;
static char address[ETH_ADDRESS_LEN + 1], other_address[ETH_ADDRESS_LEN + 1];

static void make_keys(void)
{
    uint8_t secret[32];

    memset(secret, 0x21, sizeof secret);
    assert_int_equal(eth_from_secret(secret, &wallet), 0);
    eth_address(&wallet, address);
    memset(secret, 0x22, sizeof secret);
    assert_int_equal(eth_from_secret(secret, &other), 0);
    eth_address(&other, other_address);
    ed25519_from_seed(secret, &phone);
}

/* Applies forged actions to `old`, which it frees; NULL when refused. */
static struct identity_state *next_state(struct identity_state *old, const char *inbox_id, uint64_t when,
                                         const struct forged_action *actions, size_t n,
                                         const struct scw_verifier *verifier, enum identity_fault *fault)
{
    struct bytes update = forge(inbox_id, when, actions, n);
    struct identity_state *next = NULL;

    (void)identity_state_advance(old, bytes_slice(&update), old != NULL ? old->sequence_id + 1 : 1, verifier,
                                 &next, fault, NULL);
    bytes_free(&update);
    identity_state_free(old);
    return next;
}

/* ---- Smart contract wallets ---- */

#define CONTRACT "0x00000000000000000000000000000000000000cc"

static struct buf contract_signature(const char *account_id, uint64_t block, const char *bytes)
{
    struct buf body = BUF_INIT, message = BUF_INIT;

    wire_put_bytes(&body, 1, slice_str(account_id));
    wire_put_u64(&body, 2, block);
    wire_put_bytes(&body, 3, slice_str(bytes));
    wire_put_message(&message, SIGNATURE_ERC_6492, buf_slice(&body));
    buf_free(&body);
    return message;
}

struct chain {
    int answer; /* what verify() returns */
    bool is_valid;
    unsigned asked;
    struct slice expect_text;
    uint64_t block;
};

static int ask_chain(void *ctx, struct slice account_id, uint64_t block_number, const uint8_t hash[32],
                     struct slice signature, bool *is_valid, struct err *err)
{
    struct chain *chain = ctx;
    uint8_t expect[32];

    chain->asked++;
    chain->block = block_number;
    assert_int_equal(memcmp(account_id.data, "eip155:", 7), 0);
    assert_true(signature.len > 0);
    if (chain->expect_text.len > 0) {
        eth_personal_hash(chain->expect_text, expect);
        assert_memory_equal(hash, expect, 32);
    }
    *is_valid = chain->is_valid;
    return chain->answer == 0 ? 0 : err_set(err, chain->answer, "the chain is away");
}

static struct forged_action create_for_contract(struct slice signature)
{
    return (struct forged_action){
        .kind = ACTION_CREATE, .subject = ident_ethereum(CONTRACT), .nonce = 1, .by = BY_READY(signature)};
}

static void contract_inbox(char inbox_id[INBOX_ID_LEN + 1])
{
    assert_int_equal(inbox_id_derive(ident_ethereum(CONTRACT), 1, inbox_id, NULL), 0);
}

static void a_contract_wallet_is_asked_about_on_its_chain(void **state)
{
    struct buf sig = contract_signature("eip155:8453:" CONTRACT, 77, "anything");
    struct forged_action create = create_for_contract(buf_slice(&sig));
    struct chain chain = {.is_valid = true};
    struct scw_verifier verifier = {ask_chain, &chain};
    char inbox_id[INBOX_ID_LEN + 1];
    enum identity_fault fault;
    struct identity_state *s;
    struct buf text;

    (void)state;
    contract_inbox(inbox_id);
    text = forge_text(inbox_id, NOW, &create, 1);
    chain.expect_text = buf_slice(&text);
    s = next_state(NULL, inbox_id, NOW, &create, 1, &verifier, &fault);
    assert_non_null(s);
    assert_int_equal(chain.asked, 1);
    assert_int_equal(chain.block, 77);
    assert_true(s->members[0].has_chain_id);
    assert_int_equal(s->members[0].chain_id, 8453);
    identity_state_free(s);
    buf_free(&text);
    buf_free(&sig);
}

static void a_chain_that_does_not_answer_refuses_nothing(void **state)
{
    struct buf sig = contract_signature("eip155:1:" CONTRACT, 1, "anything");
    struct forged_action create = create_for_contract(buf_slice(&sig));
    struct chain chain = {.answer = ERR_OFFLINE};
    struct scw_verifier verifier = {ask_chain, &chain};
    char inbox_id[INBOX_ID_LEN + 1];
    enum identity_fault fault;
    struct bytes update;
    struct identity_state *s = NULL;

    (void)state;
    contract_inbox(inbox_id);
    update = forge(inbox_id, NOW, &create, 1);
    assert_int_equal(identity_state_advance(NULL, bytes_slice(&update), 1, &verifier, &s, &fault, NULL),
                     ERR_OFFLINE);
    assert_int_equal(fault, IDENTITY_UNKNOWN);
    assert_int_equal(identity_state_advance(NULL, bytes_slice(&update), 1, NULL, &s, &fault, NULL),
                     ERR_UNSUPPORTED);
    assert_int_equal(fault, IDENTITY_UNKNOWN);
    chain.answer = 0; /* now it says no */
    assert_int_equal(identity_state_advance(NULL, bytes_slice(&update), 1, &verifier, &s, &fault, NULL),
                     ERR_AUTH);
    assert_int_equal(fault, IDENTITY_SIGNATURE);
    assert_null(s);
    bytes_free(&update);
    buf_free(&sig);
}

static void a_contract_of_another_chain_is_another_wallet(void **state)
{
    struct buf first = contract_signature("eip155:1:" CONTRACT, 1, "one");
    struct buf second = contract_signature("eip155:10:" CONTRACT, 1, "two");
    struct forged_action create = create_for_contract(buf_slice(&first));
    struct forged_action grant = {.kind = ACTION_ADD,
                                  .subject = ident_installation(phone.public_key),
                                  .by = BY_READY(buf_slice(&second)),
                                  .by_new = BY_INSTALLATION(&phone)};
    struct forged_action revoke = {
        .kind = ACTION_REVOKE, .subject = ident_ethereum(address), .by = BY_READY(buf_slice(&second))};
    struct forged_action as_eoa = {.kind = ACTION_CHANGE_RECOVERY,
                                   .subject = ident_ethereum(address),
                                   .by = BY_READY(buf_slice(&second))};
    struct chain chain = {.is_valid = true};
    struct scw_verifier verifier = {ask_chain, &chain};
    const struct forged_action *tries[] = {&grant, &revoke, &as_eoa};
    char inbox_id[INBOX_ID_LEN + 1];
    enum identity_fault fault;

    (void)state;
    contract_inbox(inbox_id);
    for (size_t i = 0; i < 3; i++) {
        struct identity_state *s = next_state(NULL, inbox_id, NOW, &create, 1, &verifier, &fault);

        assert_non_null(s);
        assert_null(next_state(s, inbox_id, NOW, tries[i], 1, &verifier, &fault));
        assert_int_equal(fault, IDENTITY_CHAIN_ID_MISMATCH);
    }
    buf_free(&first);
    buf_free(&second);
}

/* The same address, once with a key and once as a contract. */
static void a_wallet_with_a_key_is_not_a_contract_and_the_other_way_round(void **state)
{
    struct buf account = BUF_INIT, sig;
    struct forged_action create = {.kind = ACTION_CREATE, .subject = ident_ethereum(address), .nonce = 1};
    struct forged_action grant = {.kind = ACTION_ADD,
                                  .subject = ident_installation(phone.public_key),
                                  .by_new = BY_INSTALLATION(&phone)};
    struct chain chain = {.is_valid = true};
    struct scw_verifier verifier = {ask_chain, &chain};
    char inbox_id[INBOX_ID_LEN + 1];
    enum identity_fault fault;
    struct identity_state *s;

    (void)state;
    assert_int_equal(inbox_id_derive(ident_ethereum(address), 1, inbox_id, NULL), 0);
    buf_printf(&account, "eip155:1:%s", address);
    buf_put_u8(&account, 0);
    sig = contract_signature((const char *)account.data, 1, "one");
    for (int contract_first = 0; contract_first < 2; contract_first++) {
        create.by = contract_first ? BY_READY(buf_slice(&sig)) : BY_WALLET(&wallet);
        grant.by = contract_first ? BY_WALLET(&wallet) : BY_READY(buf_slice(&sig));
        s = next_state(NULL, inbox_id, NOW, &create, 1, &verifier, &fault);
        assert_non_null(s);
        assert_null(next_state(s, inbox_id, NOW, &grant, 1, &verifier, &fault));
        assert_int_equal(fault, IDENTITY_CHAIN_ID_MISMATCH);
    }
    buf_free(&account);
    buf_free(&sig);
}

static void an_account_id_that_is_no_ethereum_account_is_refused(void **state)
{
    static const char *const bad[] = {"eip155:x:" CONTRACT, "eip155:18446744073709551616:" CONTRACT,
                                      "eip155:1:0x12", "eip155:1:alice.eth"};
    struct chain chain = {.is_valid = true};
    struct scw_verifier verifier = {ask_chain, &chain};
    char inbox_id[INBOX_ID_LEN + 1];

    (void)state;
    contract_inbox(inbox_id);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct buf sig = contract_signature(bad[i], 1, "one");
        struct forged_action create = create_for_contract(buf_slice(&sig));
        enum identity_fault fault;

        assert_null(next_state(NULL, inbox_id, NOW, &create, 1, &verifier, &fault));
        assert_int_equal(fault, IDENTITY_SIGNATURE);
        buf_free(&sig);
    }
}

static void a_contract_address_in_mixed_case_is_lowered(void **state)
{
    struct buf sig = contract_signature("eip155:1:0x00000000000000000000000000000000000000CC", 1, "one");
    struct forged_action create = create_for_contract(buf_slice(&sig));
    struct chain chain = {.is_valid = true};
    struct scw_verifier verifier = {ask_chain, &chain};
    char inbox_id[INBOX_ID_LEN + 1];
    enum identity_fault fault;
    struct identity_state *s;

    (void)state;
    contract_inbox(inbox_id);
    s = next_state(NULL, inbox_id, NOW, &create, 1, &verifier, &fault);
    assert_non_null(s);
    identity_state_free(s);
    buf_free(&sig);
}

/* ---- Keys of the old protocol ---- */

/* How a legacy signature is made: the voucher's wallet signs the delegate's key, and the signer, who
 * should be the delegate, the text. */
struct legacy {
    const struct eth_key *voucher, *delegate, *signer;
    size_t voucher_len; /* of the wallet's signature without v: 64 */
    const char *behind_key; /* put behind the delegate's key, which the voucher signs as it is */
};

static struct buf legacy_signature(const struct legacy *how, struct slice text)
{
    struct buf point = BUF_INIT, key = BUF_INIT, vouched = BUF_INIT, ecdsa = BUF_INIT, sig = BUF_INIT,
               signed_key = BUF_INIT, inner = BUF_INIT, body = BUF_INIT, message = BUF_INIT;
    uint8_t public_key[ETH_PUBLIC_LEN], bytes[65];

    eth_public_key(how->delegate, public_key);
    wire_put_bytes(&point, 1, slice_of(public_key, sizeof public_key));
    wire_put_u64(&key, 1, 1700000000);
    wire_put_message(&key, 3, buf_slice(&point));
    if (how->behind_key)
        buf_put_str(&key, how->behind_key);

    buf_put_str(&vouched, "XMTP : Create Identity\n");
    ident_put_text(&vouched, ident_passkey(buf_slice(&key)));
    buf_put_str(&vouched, "\n\nFor more info: https://xmtp.org/signatures/");
    eth_sign_personal(how->voucher, buf_slice(&vouched), bytes);
    wire_put_bytes(&ecdsa, 1, slice_of(bytes, how->voucher_len));
    wire_put_u64(&ecdsa, 2, bytes[64] - 27u);
    wire_put_message(&sig, 2, buf_slice(&ecdsa));
    wire_put_bytes(&signed_key, 1, buf_slice(&key));
    wire_put_message(&signed_key, 2, buf_slice(&sig));

    eth_sign_personal(how->signer, text, bytes);
    wire_put_bytes(&inner, 1, slice_of(bytes, 65));
    wire_put_message(&body, 1, buf_slice(&signed_key));
    wire_put_message(&body, 2, buf_slice(&inner));
    wire_put_message(&message, SIGNATURE_LEGACY, buf_slice(&body));
    buf_free(&point);
    buf_free(&key);
    buf_free(&vouched);
    buf_free(&ecdsa);
    buf_free(&sig);
    buf_free(&signed_key);
    buf_free(&inner);
    buf_free(&body);
    return message;
}

/* One action whose `by` slot is filled by a legacy signature. */
static struct identity_state *legacy_try_as(struct identity_state *old, const char *inbox_id, uint64_t when,
                                            struct forged_action action, const struct legacy *how,
                                            enum identity_fault *fault)
{
    struct buf text = forge_text(inbox_id, when, &action, 1);
    struct buf sig = legacy_signature(how, buf_slice(&text));

    action.by = BY_READY(buf_slice(&sig));
    old = next_state(old, inbox_id, when, &action, 1, NULL, fault);
    buf_free(&text);
    buf_free(&sig);
    return old;
}

/* The usual one: the voucher's wallet, and another key as delegate. */
static struct identity_state *legacy_try(struct identity_state *old, const char *inbox_id, uint64_t when,
                                         struct forged_action action, const struct eth_key *voucher,
                                         enum identity_fault *fault)
{
    const struct legacy how = {voucher, &other, &other, 64, NULL};

    return legacy_try_as(old, inbox_id, when, action, &how, fault);
}

static struct forged_action create_action(uint64_t nonce)
{
    return (struct forged_action){
        .kind = ACTION_CREATE, .subject = ident_ethereum(address), .nonce = nonce, .by = BY_WALLET(&wallet)};
}

static struct forged_action grant_action(void)
{
    return (struct forged_action){.kind = ACTION_ADD,
                                  .subject = ident_installation(phone.public_key),
                                  .by = BY_WALLET(&wallet),
                                  .by_new = BY_INSTALLATION(&phone)};
}

static void a_legacy_key_speaks_for_its_wallet_in_the_inbox_of_nonce_0(void **state)
{
    char inbox_id[INBOX_ID_LEN + 1], other_inbox[INBOX_ID_LEN + 1];
    struct forged_action create = create_action(0);
    enum identity_fault fault;
    struct identity_state *s;

    (void)state;
    assert_int_equal(inbox_id_derive(ident_ethereum(address), 0, inbox_id, NULL), 0);
    assert_int_equal(inbox_id_derive(ident_ethereum(address), 1, other_inbox, NULL), 0);

    s = legacy_try(NULL, inbox_id, NOW, create, &wallet, &fault);
    assert_non_null(s);
    assert_int_equal(s->seen_n, 1);
    assert_int_equal(s->seen[0].len, 65); /* the wallet's signature, not the delegated key's */
    s = legacy_try(s, inbox_id, NOW + 1, grant_action(), &wallet, &fault);
    assert_null(s); /* the same delegated key a second time */
    assert_int_equal(fault, IDENTITY_REPLAY);

    s = next_state(NULL, inbox_id, NOW, &create, 1, NULL, &fault);
    s = legacy_try(s, inbox_id, NOW, grant_action(), &wallet, &fault);
    assert_non_null(s);
    assert_int_equal(s->members_n, 2);
    identity_state_free(s);

    assert_null(legacy_try(NULL, other_inbox, NOW, create_action(1), &wallet, &fault));
    assert_int_equal(fault, IDENTITY_LEGACY_SIGNATURE_REUSE);
    create = create_action(1);
    s = next_state(NULL, other_inbox, NOW, &create, 1, NULL, &fault);
    assert_null(legacy_try(s, other_inbox, NOW, grant_action(), &wallet, &fault));
    assert_int_equal(fault, IDENTITY_LEGACY_SIGNATURE_REUSE);
}

static void a_legacy_key_neither_revokes_nor_changes_recovery(void **state)
{
    struct forged_action create = create_action(0);
    struct forged_action revoke = {.kind = ACTION_REVOKE, .subject = ident_ethereum(address)};
    struct forged_action change = {.kind = ACTION_CHANGE_RECOVERY, .subject = ident_ethereum(other_address)};
    char inbox_id[INBOX_ID_LEN + 1];
    enum identity_fault fault;
    struct identity_state *s;

    (void)state;
    assert_int_equal(inbox_id_derive(ident_ethereum(address), 0, inbox_id, NULL), 0);
    s = next_state(NULL, inbox_id, NOW, &create, 1, NULL, &fault);
    assert_null(legacy_try(s, inbox_id, NOW, revoke, &wallet, &fault));
    assert_int_equal(fault, IDENTITY_SIGNATURE_NOT_ALLOWED);
    s = next_state(NULL, inbox_id, NOW, &create, 1, NULL, &fault);
    assert_null(legacy_try(s, inbox_id, NOW, change, &wallet, &fault));
    assert_int_equal(fault, IDENTITY_SIGNATURE_NOT_ALLOWED);
}

static void a_legacy_key_that_another_wallet_vouched_for_is_that_wallets(void **state)
{
    char inbox_id[INBOX_ID_LEN + 1];
    enum identity_fault fault;

    (void)state;
    assert_int_equal(inbox_id_derive(ident_ethereum(address), 0, inbox_id, NULL), 0);
    assert_null(legacy_try(NULL, inbox_id, NOW, create_action(0), &other, &fault));
    assert_int_equal(fault, IDENTITY_MISSING_EXISTING_MEMBER);
}

static void a_legacy_signature_is_whole_and_by_the_delegate(void **state)
{
    const struct legacy by_nobody = {&wallet, &other, &wallet, 64, NULL}, cut = {&wallet, &other, &other, 63, NULL},
                        unparsed = {&wallet, &other, &other, 64, "\x1a\x7f"},
                        longer = {&wallet, &other, &other, 64, "\xfa\x3e\x01x"};
    char inbox_id[INBOX_ID_LEN + 1];
    enum identity_fault fault;
    struct identity_state *s;

    (void)state;
    assert_int_equal(inbox_id_derive(ident_ethereum(address), 0, inbox_id, NULL), 0);
    assert_null(legacy_try_as(NULL, inbox_id, NOW, create_action(0), &by_nobody, &fault));
    assert_int_equal(fault, IDENTITY_SIGNATURE);
    assert_null(legacy_try_as(NULL, inbox_id, NOW, create_action(0), &cut, &fault));
    assert_int_equal(fault, IDENTITY_SIGNATURE);
    assert_null(legacy_try_as(NULL, inbox_id, NOW, create_action(0), &unparsed, &fault));
    assert_int_equal(fault, IDENTITY_SIGNATURE);
    s = legacy_try_as(NULL, inbox_id, NOW, create_action(0), &longer, &fault); /* an unknown field is none of ours */
    assert_non_null(s);
    identity_state_free(s);
}

/* The rule about nonce 0 is for wallets that vouch: an installation has no inbox of its own. */
static void an_installation_vouches_for_a_legacy_key_in_any_inbox(void **state)
{
    const struct legacy how = {&other, &wallet, &wallet, 64, NULL};
    struct forged_action both[] = {create_action(1), grant_action()};
    struct forged_action link = {
        .kind = ACTION_ADD, .subject = ident_ethereum(other_address), .by = BY_INSTALLATION(&phone)};
    char inbox_id[INBOX_ID_LEN + 1];
    enum identity_fault fault;
    struct identity_state *s;
    struct buf text, sig;

    (void)state;
    assert_int_equal(inbox_id_derive(ident_ethereum(address), 1, inbox_id, NULL), 0);
    s = next_state(NULL, inbox_id, NOW, both, 2, NULL, &fault);
    assert_non_null(s);
    text = forge_text(inbox_id, NOW + 1, &link, 1);
    sig = legacy_signature(&how, buf_slice(&text));
    link.by_new = BY_READY(buf_slice(&sig));
    s = next_state(s, inbox_id, NOW + 1, &link, 1, NULL, &fault);
    assert_int_equal(fault, IDENTITY_OK);
    assert_int_equal(s->members_n, 3);
    identity_state_free(s);
    buf_free(&text);
    buf_free(&sig);
}

/* The recovery identifier vouches in person only. */
static void a_legacy_key_does_not_add_for_a_wallet_that_is_no_member(void **state)
{
    struct forged_action create = create_action(0);
    struct forged_action leave = {
        .kind = ACTION_REVOKE, .subject = ident_ethereum(address), .by = BY_WALLET(&wallet)};
    char inbox_id[INBOX_ID_LEN + 1];
    enum identity_fault fault;
    struct identity_state *s;

    (void)state;
    assert_int_equal(inbox_id_derive(ident_ethereum(address), 0, inbox_id, NULL), 0);
    s = next_state(NULL, inbox_id, NOW, &create, 1, NULL, &fault);
    s = next_state(s, inbox_id, NOW, &leave, 1, NULL, &fault);
    assert_non_null(s);
    assert_null(legacy_try(s, inbox_id, NOW, grant_action(), &wallet, &fault));
    assert_int_equal(fault, IDENTITY_LEGACY_SIGNATURE_REUSE);
}

/* A key bundle that the old protocol made, from libxmtp's own tests: its wallet is known. */
static void the_wallet_behind_a_real_legacy_key_is_recovered(void **state)
{
    static const char key_bytes[] = "08c0c3a5aecb99e7d5171a430a4104d854aefcc6e1dba8efa63ee9ce6c359b57"
                                    "84082b5b245b515dd543f145051ff9ba817790042c364cb95f3d17e74807a912"
                                    "46714fad520d2592c92baeb4217d2b";
    static const char wallet_sig[] = "078864ac9bf7e6fffdf74e32d4e2294eefb788f77a589bf5dbb7d7ca2a59a280"
                                     "60607883114626e7021b5b1d426e808c012ad9b902b5d0648f8fdb9fae01e9bf01";
    struct buf text = BUF_INIT;
    struct bytes sig;
    char signer[ETH_ADDRESS_LEN + 1];

    (void)state;
    assert_int_equal(hex_parse(wallet_sig, &sig), 0);
    buf_printf(&text, "XMTP : Create Identity\n%s\n\nFor more info: https://xmtp.org/signatures/", key_bytes);
    assert_int_equal(eth_recover_personal(buf_slice(&text), bytes_slice(&sig), signer, NULL), 0);
    assert_string_equal(signer, "0x220ca99fb7fafa18cb623d924794dde47b4bc2e9");
    bytes_free(&sig);
    buf_free(&text);
}

/* ---- Passkeys ---- */

struct passkey {
    EVP_PKEY *key;
    uint8_t public_key[65];
};

static void passkey_new(struct passkey *p)
{
    size_t len = 0;

    p->key = EVP_EC_gen("P-256");
    assert_non_null(p->key);
    assert_int_equal(EVP_PKEY_get_octet_string_param(p->key, OSSL_PKEY_PARAM_PUB_KEY, p->public_key,
                                                     sizeof p->public_key, &len),
                     1);
    assert_int_equal(len, 65);
}

static const char authenticator[] = "authenticator data, not looked at";

static struct buf passkey_signature(const struct passkey *p, struct slice public_key,
                                    struct slice client_data)
{
    struct buf data = BUF_INIT, body = BUF_INIT, message = BUF_INIT;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    uint8_t hash[32], der[80];
    size_t len = sizeof der;

    hash_sha256(client_data, hash);
    buf_put_str(&data, authenticator);
    buf_put(&data, hash, sizeof hash);
    assert_int_equal(EVP_DigestSignInit_ex(md, NULL, "SHA256", NULL, NULL, p->key, NULL), 1);
    assert_int_equal(EVP_DigestSign(md, der, &len, data.data, data.len), 1);
    EVP_MD_CTX_free(md);
    wire_put_bytes(&body, 1, public_key);
    wire_put_bytes(&body, 2, slice_of(der, len));
    wire_put_bytes(&body, 3, slice_str(authenticator));
    wire_put_bytes(&body, 4, client_data);
    wire_put_message(&message, SIGNATURE_PASSKEY, buf_slice(&body));
    buf_free(&data);
    buf_free(&body);
    return message;
}

/* Client data around the challenge for `text`; `form` has one %s. */
static struct buf client_data(const char *form, struct slice text)
{
    char challenge[2048];
    struct buf out = BUF_INIT;
    const char *at = strstr(form, "%s");

    assert_true(text.len < 1024);
    sodium_bin2base64(challenge, sizeof challenge, text.data, text.len,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    buf_put(&out, form, (size_t)(at - form));
    buf_put_str(&out, challenge);
    buf_put_str(&out, at + 2);
    return out;
}

/* Creates an inbox whose owner is the passkey, with client data of this form. */
static enum identity_fault create_by_passkey(struct slice public_key, const struct passkey *p,
                                             const char *form)
{
    struct forged_action create = {.kind = ACTION_CREATE, .subject = ident_passkey(public_key), .nonce = 1};
    char inbox_id[INBOX_ID_LEN + 1];
    struct buf text, data, sig;
    enum identity_fault fault;
    struct identity_state *s;

    assert_int_equal(inbox_id_derive(create.subject, 1, inbox_id, NULL), 0);
    text = forge_text(inbox_id, NOW, &create, 1);
    data = client_data(form, buf_slice(&text));
    sig = passkey_signature(p, public_key, buf_slice(&data));
    create.by = BY_READY(buf_slice(&sig));
    s = next_state(NULL, inbox_id, NOW, &create, 1, NULL, &fault);
    if (s != NULL) {
        assert_true(ident_eq(s->recovery, create.subject));
        assert_int_equal(s->seen[0].len, 64);
    }
    identity_state_free(s);
    buf_free(&text);
    buf_free(&data);
    buf_free(&sig);
    return fault;
}

#define REAL_FORM                                                                                            \
    "{\"type\":\"webauthn.get\",\"challenge\":\"%s\",\"origin\":\"https://x\",\"crossOrigin\":false}"

static void a_passkey_owns_an_inbox(void **state)
{
    struct passkey p;
    uint8_t compressed[33];

    (void)state;
    passkey_new(&p);
    assert_int_equal(create_by_passkey(slice_of(p.public_key, 65), &p, REAL_FORM), IDENTITY_OK);
    memcpy(compressed, p.public_key, 33);
    compressed[0] = (uint8_t)(2 + (p.public_key[64] & 1));
    assert_int_equal(create_by_passkey(slice_of(compressed, 33), &p, REAL_FORM), IDENTITY_OK);
    compressed[0] ^= 1;
    assert_int_equal(create_by_passkey(slice_of(compressed, 33), &p, REAL_FORM), IDENTITY_SIGNATURE);
    EVP_PKEY_free(p.key);
}

/* The form of a 5 and x stands for the point with the smaller y. */
static void a_passkey_in_compact_form_is_the_one_with_the_smaller_y(void **state)
{
    static const uint8_t half[32] = {
        0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff,
    };
    bool seen[2] = {false, false};

    (void)state;
    while (!seen[0] || !seen[1]) {
        struct passkey p;
        uint8_t compact[33] = {5};
        bool is_smaller;

        passkey_new(&p);
        is_smaller = memcmp(p.public_key + 33, half, 32) <= 0;
        memcpy(compact + 1, p.public_key + 1, 32);
        assert_int_equal(create_by_passkey(slice_of(compact, 33), &p, REAL_FORM),
                         is_smaller ? IDENTITY_OK : IDENTITY_SIGNATURE);
        for (uint8_t form = 0; form < 8; form++) { /* none of the others has this length, but 2 and 3 */
            compact[0] = form;
            if (form < 2 || form == 4 || form > 5)
                assert_int_equal(create_by_passkey(slice_of(compact, 33), &p, REAL_FORM), IDENTITY_SIGNATURE);
        }
        seen[is_smaller] = true;
        EVP_PKEY_free(p.key);
    }
}

static void client_data_needs_origin_and_the_text_as_challenge(void **state)
{
    static const char *const good[] = {"{\"origin\":\"\",\"challenge\":\"%s\"}", "[\"origin\",\"%s\"]",
                                       " {\"origin\":\"o\",\"x\":[1,{}],\"challenge\":\"%s\"} ",
                                       "{\"x\":\"\\ud800\\u0000\",\"x\":1e999,\"origin\":\"o\",\"challenge\":\"%s\"}"};
    static const char *const bad[] = {"{\"challenge\":\"%s\"}",
                                      "{\"origin\":1,\"challenge\":\"%s\"}",
                                      "{\"origin\":\"o\",\"challenge\":\"%s=\"}",
                                      "{\"origin\":\"o\",\"challenge\":\"A%s\"}",
                                      "{\"origin\":\"o\",\"challenge\":\"\",\"c\":\"%s\"}",
                                      "{\"origin\":\"o\",\"challenge\":\"%s\"",
                                      "{\"origin\":\"o\",\"challenge\":\"%s\"} trailing",
                                      "{\"origin\":\"o\",\"challenge\":\"%s\",\"challenge\":\"x\"}",
                                      "{\"origin\":\"o\",\"challenge\":\"x\",\"challenge\":\"%s\"}",
                                      "[\"%s\"]",
                                      "[\"o\",\"%s\",1]",
                                      "\"%s\"",
                                      "%s"};
    struct passkey p;

    (void)state;
    passkey_new(&p);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(create_by_passkey(slice_of(p.public_key, 65), &p, good[i]), IDENTITY_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(create_by_passkey(slice_of(p.public_key, 65), &p, bad[i]), IDENTITY_SIGNATURE);
    EVP_PKEY_free(p.key);
}

static void a_passkey_signature_is_by_its_key(void **state)
{
    struct passkey p, q;

    (void)state;
    passkey_new(&p);
    passkey_new(&q);
    assert_int_equal(create_by_passkey(slice_of(q.public_key, 65), &p, REAL_FORM), IDENTITY_SIGNATURE);
    EVP_PKEY_free(p.key);
    EVP_PKEY_free(q.key);
}

/* ---- Applications ---- */

static void an_installation_signs_texts_in_a_domain_of_their_own(void **state)
{
    struct slice id = slice_of(phone.public_key, 32);
    uint8_t sig[64];

    (void)state;
    installation_sign_text(&phone, slice_str("hello"), sig);
    assert_int_equal(installation_verify_text(id, slice_str("hello"), slice_of(sig, 64)), 0);
    assert_int_equal(installation_verify_text(id, slice_str("hullo"), slice_of(sig, 64)), ERR_AUTH);
    assert_int_equal(
        ed25519ph_verify(id, slice_str(identity_signature_context), slice_str("hello"), slice_of(sig, 64)),
        ERR_AUTH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_contract_wallet_is_asked_about_on_its_chain),
        cmocka_unit_test(a_chain_that_does_not_answer_refuses_nothing),
        cmocka_unit_test(a_contract_of_another_chain_is_another_wallet),
        cmocka_unit_test(a_wallet_with_a_key_is_not_a_contract_and_the_other_way_round),
        cmocka_unit_test(an_account_id_that_is_no_ethereum_account_is_refused),
        cmocka_unit_test(a_contract_address_in_mixed_case_is_lowered),
        cmocka_unit_test(a_legacy_key_speaks_for_its_wallet_in_the_inbox_of_nonce_0),
        cmocka_unit_test(a_legacy_key_neither_revokes_nor_changes_recovery),
        cmocka_unit_test(a_legacy_key_that_another_wallet_vouched_for_is_that_wallets),
        cmocka_unit_test(a_legacy_signature_is_whole_and_by_the_delegate),
        cmocka_unit_test(an_installation_vouches_for_a_legacy_key_in_any_inbox),
        cmocka_unit_test(a_legacy_key_does_not_add_for_a_wallet_that_is_no_member),
        cmocka_unit_test(the_wallet_behind_a_real_legacy_key_is_recovered),
        cmocka_unit_test(a_passkey_owns_an_inbox),
        cmocka_unit_test(a_passkey_in_compact_form_is_the_one_with_the_smaller_y),
        cmocka_unit_test(client_data_needs_origin_and_the_text_as_challenge),
        cmocka_unit_test(a_passkey_signature_is_by_its_key),
        cmocka_unit_test(an_installation_signs_texts_in_a_domain_of_their_own),
    };

    if (crypto_init(NULL) != 0)
        return 99;
    make_keys();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
