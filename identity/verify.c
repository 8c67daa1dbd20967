/* Sources: libxmtp xmtp_id/src/associations/verified_signature.rs and signature.rs. */
#include "identity/verify.h"

#include "base/err.h"
#include "crypto/ed25519.h"
#include "crypto/eth.h"
#include "identity/passkey.h"
#include "proto/check.h"
#include "proto/wire.h"
#include "proto/xmtp_message_contents.pb-c.h"

#include <string.h>

const char identity_signature_context[] = "IDENTITY UPDATE SIGNATURE";
static const char public_context[] = "PUBLIC SIGNATURE CONTEXT";

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_NOMEM, "out of memory");
}

static int set_result(struct pool *pool, enum signature_kind kind, struct ident signer, struct slice replay,
                      struct verified_signature *out, struct err *err)
{
    struct verified_signature v = {.kind = kind, .signer.kind = signer.kind};

    if (!pool_dup(pool, signer.value, &v.signer.value) || !pool_dup(pool, replay, &v.replay))
        return out_of_memory(err);
    *out = v;
    return 0;
}

static int verify_wallet(struct slice bytes, struct slice text, struct pool *pool,
                         struct verified_signature *out, struct err *err)
{
    char address[ETH_ADDRESS_LEN + 1];
    uint8_t used[ETH_SIGNATURE_LEN];

    if (eth_recover_personal(text, bytes, address, used) != 0)
        return err_set(err, ERR_AUTH, "a wallet signature has no signer");
    return set_result(pool, SIGNATURE_ERC_191, ident_ethereum(address), slice_of(used, sizeof used), out,
                      err);
}

static int verify_installation(const struct identity_signature *s, struct slice text, struct pool *pool,
                               struct verified_signature *out, struct err *err)
{
    if (ed25519ph_verify(s->public_key, slice_str(identity_signature_context), text, s->bytes) != 0)
        return err_set(err, ERR_AUTH, "an installation's signature is wrong");
    return set_result(pool, SIGNATURE_INSTALLATION, (struct ident){IDENT_INSTALLATION, s->public_key},
                      s->bytes, out, err);
}

/* What the wallet signed when it vouched for the old protocol's key. */
static void put_legacy_text(struct buf *out, struct slice key_bytes)
{
    buf_put_str(out, "XMTP : Create Identity\n");
    ident_put_text(out, (struct ident){IDENT_PASSKEY, key_bytes}); /* bytes as hex */
    buf_put_str(out, "\n\nFor more info: https://xmtp.org/signatures/");
}

/* The address of the key inside an UnsignedPublicKey. */
static int legacy_key_address(struct slice key_bytes, char address[ETH_ADDRESS_LEN + 1])
{
    struct slice wrapped, key;

    if (proto_check(&xmtp__message_contents__unsigned_public_key__descriptor, key_bytes,
                    &proto_limits_default, NULL, NULL) != 0 ||
        !wire_find(key_bytes, 3, &wrapped) || !wire_find(wrapped, 1, &key))
        return ERR_AUTH;
    return eth_address_of_public_key(key, address);
}

static int verify_legacy(const struct identity_signature *s, struct slice text, struct pool *pool,
                         struct verified_signature *out, struct err *err)
{
    char signer[ETH_ADDRESS_LEN + 1], delegate[ETH_ADDRESS_LEN + 1];
    uint8_t joined[ETH_SIGNATURE_LEN];
    struct buf vouched = BUF_INIT;
    int r = err_set(err, ERR_AUTH, "a legacy signature is wrong");

    if (s->wallet_signature.len != sizeof joined - 1)
        goto done;
    if (eth_recover_personal(text, s->bytes, signer, NULL) != 0 ||
        legacy_key_address(s->key_bytes, delegate) != 0 || strcmp(signer, delegate) != 0)
        goto done;
    memcpy(joined, s->wallet_signature.data, sizeof joined - 1);
    joined[sizeof joined - 1] = s->wallet_recovery;
    put_legacy_text(&vouched, s->key_bytes);
    r = buf_ok(&vouched) ? verify_wallet(slice_of(joined, sizeof joined), buf_slice(&vouched), pool, out, err)
                         : out_of_memory(err);
    if (r == 0)
        out->kind = SIGNATURE_LEGACY; /* the wallet is the signer, its signature what may not come again */
done:
    buf_free(&vouched);
    return r;
}

/* "eip155:<decimal>:<address>", well-formed by update.c; → chain id and address. */
static bool split_account_id(struct slice account_id, uint64_t *chain_id, struct slice *address)
{
    static const char prefix[] = "eip155:";
    size_t at = sizeof prefix - 1;
    uint64_t id = 0;

    if (account_id.len <= at || memcmp(account_id.data, prefix, at) != 0)
        return false;
    for (; at < account_id.len && account_id.data[at] != ':'; at++) {
        uint8_t digit = account_id.data[at] - '0';

        if (digit > 9 || id > (UINT64_MAX - digit) / 10)
            return false;
        id = id * 10 + digit;
    }
    if (account_id.data[at - 1] == ':')
        return false; /* no digit at all */
    *chain_id = id;
    *address = slice_of(account_id.data + at + 1, account_id.len - at - 1);
    return true;
}

/* Lower case, the 0x left as it is or missing; false if it is no address. */
static bool lower_address(struct slice address, char out[ETH_ADDRESS_LEN + 1])
{
    char with_prefix[ETH_ADDRESS_LEN + 1], typed[ETH_ADDRESS_LEN + 1];
    bool has_prefix = address.len == ETH_ADDRESS_LEN && address.data[0] == '0' && address.data[1] == 'x';

    if (!has_prefix && address.len != ETH_ADDRESS_LEN - 2)
        return false;
    memcpy(typed, address.data, address.len);
    typed[address.len] = '\0';
    if (ident_parse_address(typed, with_prefix, NULL) != 0)
        return false;
    strcpy(out, has_prefix ? with_prefix : with_prefix + 2);
    return true;
}

static int verify_contract(const struct identity_signature *s, struct slice text,
                           const struct scw_verifier *verifier, struct pool *pool,
                           struct verified_signature *out, struct err *err)
{
    char signer[ETH_ADDRESS_LEN + 1];
    struct slice address;
    uint64_t chain_id;
    uint8_t hash[32];
    bool is_valid = false;
    int r;

    if (verifier == NULL)
        return err_set(err, ERR_UNSUPPORTED, "a smart contract wallet signed, and no chain can be asked");
    eth_personal_hash(text, hash);
    r = verifier->verify(verifier->ctx, s->account_id, s->block_number, hash, s->bytes, &is_valid, err);
    if (r != 0)
        return err_wrap(err, r, "asking a smart contract wallet");
    if (!is_valid)
        return err_set(err, ERR_AUTH, "a smart contract wallet denies its signature");
    if (!split_account_id(s->account_id, &chain_id, &address) || !lower_address(address, signer))
        return err_set(err, ERR_AUTH, "a contract signature names no Ethereum account");
    r = set_result(pool, SIGNATURE_ERC_6492, ident_ethereum(signer), s->bytes, out, err);
    if (r == 0) {
        out->has_chain_id = true;
        out->chain_id = chain_id;
    }
    return r;
}

static int verify_passkey(const struct identity_signature *s, struct slice text, struct pool *pool,
                          struct verified_signature *out, struct err *err)
{
    uint8_t raw[64];
    int r =
        passkey_verify(s->public_key, s->bytes, s->authenticator_data, s->client_data_json, text, raw, err);

    if (r != 0)
        return r;
    return set_result(pool, SIGNATURE_PASSKEY, ident_passkey(s->public_key), slice_of(raw, sizeof raw), out,
                      err);
}

int signature_verify(const struct identity_signature *signature, struct slice text,
                     const struct scw_verifier *verifier, struct pool *pool, struct verified_signature *out,
                     struct err *err)
{
    switch (signature->kind) {
    case SIGNATURE_ERC_191:
        return verify_wallet(signature->bytes, text, pool, out, err);
    case SIGNATURE_ERC_6492:
        return verify_contract(signature, text, verifier, pool, out, err);
    case SIGNATURE_INSTALLATION:
        return verify_installation(signature, text, pool, out, err);
    case SIGNATURE_LEGACY:
        return verify_legacy(signature, text, pool, out, err);
    case SIGNATURE_PASSKEY:
        return verify_passkey(signature, text, pool, out, err);
    }
    return err_set(err, ERR_MALFORMED, "a signature of no known kind");
}

/* A party signs once and stands in several slots: its signature is verified once too. */
struct memo {
    struct slice raw;
    struct verified_signature result;
};
#define MEMO_MAX 8 /* more different signers than any honest update has */

struct checker {
    struct slice text;
    const struct scw_verifier *verifier;
    struct pool *pool;
    struct memo memo[MEMO_MAX];
    size_t memo_n;
};

static int check_once(struct checker *c, const struct identity_signature *signature,
                      struct verified_signature *out, struct err *err)
{
    int r;

    for (size_t i = 0; i < c->memo_n; i++)
        if (slice_eq(c->memo[i].raw, signature->raw)) {
            *out = c->memo[i].result;
            return 0;
        }
    if ((r = signature_verify(signature, c->text, c->verifier, c->pool, out, err)) != 0)
        return r;
    if (c->memo_n < MEMO_MAX)
        c->memo[c->memo_n++] = (struct memo){signature->raw, *out};
    return 0;
}

int identity_update_verify(const struct identity_update *update, const struct scw_verifier *verifier,
                           struct pool *pool, struct verified_action **out, struct err *err)
{
    struct checker c = {.verifier = verifier, .pool = pool};
    struct verified_action *verified = pool_alloc(pool, update->actions_n, sizeof *verified);
    struct buf text = BUF_INIT;
    int r = 0;

    identity_text_put(&text, update->inbox_id, update->client_timestamp_ns, update->actions,
                      update->actions_n);
    if (verified == NULL || !buf_ok(&text)) {
        r = out_of_memory(err);
        goto done;
    }
    c.text = buf_slice(&text);
    for (size_t i = 0; i < update->actions_n; i++) {
        const struct identity_action *action = &update->actions[i];

        if ((r = check_once(&c, &action->by, &verified[i].by, err)) != 0 ||
            (action->kind == ACTION_ADD &&
             (r = check_once(&c, &action->by_new, &verified[i].by_new, err)) != 0)) {
            err_wrap(err, r, "action %zu", i);
            goto done;
        }
    }
    *out = verified;
done:
    buf_free(&text);
    return r;
}

void installation_sign_text(const struct ed25519_key *key, struct slice text, uint8_t out[64])
{
    (void)ed25519ph_sign(key, slice_str(public_context), text, out); /* fails for a long context only */
}

int installation_verify_text(struct slice installation, struct slice text, struct slice signature)
{
    return ed25519ph_verify(installation, slice_str(public_context), text, signature);
}
