#include "identity/ident.h"

#include "base/err.h"
#include "base/hex.h"
#include "base/i18n.h"
#include "crypto/hash.h"

#include <stdio.h>
#include <string.h>

struct ident ident_ethereum(const char *address)
{
    return (struct ident){IDENT_ETHEREUM, slice_str(address)};
}

struct ident ident_installation(const uint8_t id[INSTALLATION_ID_LEN])
{
    return (struct ident){IDENT_INSTALLATION, slice_of(id, INSTALLATION_ID_LEN)};
}

struct ident ident_passkey(struct slice key)
{
    return (struct ident){IDENT_PASSKEY, key};
}

bool ident_eq(struct ident a, struct ident b)
{
    return a.kind == b.kind && slice_eq(a.value, b.value);
}

int ident_cmp(struct ident a, struct ident b)
{
    return a.kind != b.kind ? (a.kind < b.kind ? -1 : 1) : slice_cmp(a.value, b.value);
}

static void put_hex(struct buf *out, struct slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        char digits[3];

        hex_encode(bytes.data + i, 1, digits);
        buf_put(out, digits, 2);
    }
}

void ident_put_text(struct buf *out, struct ident id)
{
    if (id.kind == IDENT_ETHEREUM)
        buf_put_slice(out, id.value);
    else
        put_hex(out, id.value);
}

static bool is_hex(struct slice text, bool lower_only)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (!lower_only && c >= 'A' && c <= 'F')))
            return false;
    }
    return true;
}

static bool is_address(struct slice text)
{
    return text.len == ETH_ADDRESS_LEN && text.data[0] == '0' && text.data[1] == 'x' &&
           is_hex(slice_of(text.data + 2, text.len - 2), false);
}

int ident_parse_address(const char *text, char out[ETH_ADDRESS_LEN + 1], struct err *err)
{
    const char *digits = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? text + 2 : text;
    uint8_t raw[20];

    if (!hex_decode(digits, strlen(digits), raw, sizeof raw))
        return err_set(err, ERR_INVALID, _("not an Ethereum address: it has 0x and 40 hexadecimal digits"));
    out[0] = '0';
    out[1] = 'x';
    hex_encode(raw, sizeof raw, out + 2);
    return 0;
}

int inbox_id_derive(struct ident owner, uint64_t nonce, char out[INBOX_ID_LEN + 1], struct err *err)
{
    struct buf text = BUF_INIT;
    uint8_t hash[HASH_SHA256_LEN];
    int r = 0;

    if (owner.kind == IDENT_INSTALLATION)
        return err_set(err, ERR_INVALID, "an installation cannot own an inbox");
    if (owner.kind == IDENT_ETHEREUM && !is_address(owner.value))
        return err_set(err, ERR_INVALID, "an inbox owner's address has 0x and 40 hex digits");
    ident_put_text(&text, owner);
    buf_printf(&text, "%llu", (unsigned long long)nonce);
    if (!buf_ok(&text)) {
        r = err_set(err, ERR_NOMEM, "out of memory");
        goto done;
    }
    hash_sha256(buf_slice(&text), hash);
    hex_encode(hash, sizeof hash, out);
done:
    buf_free(&text);
    return r;
}

bool inbox_id_is_valid(struct slice text)
{
    return text.len == INBOX_ID_LEN && is_hex(text, true);
}
