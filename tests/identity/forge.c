#include "tests/identity/forge.h"

#include "base/alloc.h"
#include "identity/verify.h"
#include "proto/wire.h"
#include "tests/test.h"

/* n - s, the other s of the same signature. */
static void negate_s(uint8_t s[32])
{
    static const uint8_t n[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                  0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
                                  0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};
    int borrow = 0;

    for (int i = 31; i >= 0; i--) {
        int d = n[i] - s[i] - borrow;

        borrow = d < 0;
        s[i] = (uint8_t)d;
    }
}

static void restyle(uint8_t signature[65], enum wallet_style style)
{
    switch (style) {
    case WALLET_PLAIN:
        break;
    case WALLET_V_0_1:
        signature[64] -= 27;
        break;
    case WALLET_V_37_38:
        signature[64] += 10;
        break;
    case WALLET_HIGH_S_FLIPPED:
        negate_s(signature + 32);
        signature[64] ^= 27 ^ 28;
        break;
    case WALLET_HIGH_S_KEPT:
        negate_s(signature + 32);
        break;
    }
}

static void put_signature(struct buf *out, uint32_t number, const struct signer *who, struct slice text)
{
    struct buf body = BUF_INIT, message = BUF_INIT;
    uint8_t signature[65];

    if (who->wallet != NULL) {
        eth_sign_personal(who->wallet, text, signature);
        restyle(signature, who->style);
        wire_put_bytes(&body, 1, slice_of(signature, 65));
        wire_put_message(&message, SIGNATURE_ERC_191, buf_slice(&body));
    } else if (who->installation != NULL) {
        assert_int_equal(
            ed25519ph_sign(who->installation, slice_str(identity_signature_context), text, signature), 0);
        wire_put_bytes(&body, 1, slice_of(signature, 64));
        wire_put_bytes(&body, 2, slice_of(who->installation->public_key, 32));
        wire_put_message(&message, SIGNATURE_INSTALLATION, buf_slice(&body));
    } else {
        buf_put_slice(&message, who->ready);
    }
    wire_put_message(out, number, buf_slice(&message));
    buf_free(&body);
    buf_free(&message);
}

static void put_member(struct buf *out, struct ident id)
{
    struct buf member = BUF_INIT, passkey = BUF_INIT;

    wire_put_bytes(&passkey, 1, id.value);
    if (id.kind == IDENT_PASSKEY)
        wire_put_message(&member, 3, buf_slice(&passkey));
    else
        wire_put_message(&member, id.kind == IDENT_ETHEREUM ? 1 : 2, id.value);
    wire_put_message(out, 1, buf_slice(&member));
    buf_free(&member);
    buf_free(&passkey);
}

static void put_account(struct buf *out, struct ident id)
{
    struct buf text = BUF_INIT;

    ident_put_text(&text, id);
    wire_put_bytes(out, 1, buf_slice(&text));
    buf_free(&text);
}

static void put_action(struct buf *out, const struct forged_action *a, struct slice text)
{
    struct buf body = BUF_INIT, wrapped = BUF_INIT;
    uint64_t kind = a->subject.kind == IDENT_PASSKEY ? 2 : 1;

    switch (a->kind) {
    case ACTION_CREATE:
        put_account(&body, a->subject);
        wire_put_u64(&body, 2, a->nonce);
        put_signature(&body, 3, &a->by, text);
        wire_put_u64(&body, 4, kind);
        break;
    case ACTION_ADD:
        put_member(&body, a->subject);
        put_signature(&body, 2, &a->by, text);
        put_signature(&body, 3, &a->by_new, text);
        break;
    case ACTION_REVOKE:
        put_member(&body, a->subject);
        put_signature(&body, 2, &a->by, text);
        break;
    case ACTION_CHANGE_RECOVERY:
        put_account(&body, a->subject);
        put_signature(&body, 2, &a->by, text);
        wire_put_u64(&body, 3, kind);
        break;
    }
    wire_put_message(&wrapped, a->kind, buf_slice(&body));
    wire_put_message(out, 1, buf_slice(&wrapped));
    buf_free(&body);
    buf_free(&wrapped);
}

struct buf forge_text(const char *inbox_id, uint64_t timestamp_ns, const struct forged_action *actions,
                      size_t n)
{
    struct identity_action *plain = xm_calloc(n + 1, sizeof *plain);
    struct buf text = BUF_INIT;

    assert_non_null(plain);
    for (size_t i = 0; i < n; i++) {
        plain[i].kind = actions[i].kind;
        plain[i].subject = actions[i].subject;
    }
    identity_text_put(&text, slice_str(inbox_id), timestamp_ns, plain, n);
    assert_true(buf_ok(&text));
    xm_free(plain);
    return text;
}

struct bytes forge(const char *inbox_id, uint64_t timestamp_ns, const struct forged_action *actions, size_t n)
{
    struct buf text = forge_text(inbox_id, timestamp_ns, actions, n), update = BUF_INIT;
    struct bytes out;

    for (size_t i = 0; i < n; i++)
        put_action(&update, &actions[i], buf_slice(&text));
    wire_put_u64(&update, 2, timestamp_ns);
    wire_put_bytes(&update, 3, slice_str(inbox_id));
    assert_int_equal(buf_take(&update, &out), 0);
    buf_free(&text);
    return out;
}
