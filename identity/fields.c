#include "identity/fields.h"

#include "base/err.h"
#include "base/hex.h"
#include "proto/wire.h"
#include "proto/xmtp_identity_associations.pb-c.h"

struct slice field_bytes(struct slice message, uint32_t number)
{
    struct slice found = slice_of(NULL, 0);

    (void)wire_find(message, number, &found);
    return found;
}

uint64_t field_number(struct slice message, uint32_t number)
{
    struct reader r = reader_of(message);
    struct wire_field field;
    uint64_t value = 0;

    while (wire_next(&r, &field))
        if (field.number == number)
            value = field.value;
    return value;
}

uint32_t field_oneof(struct slice message, uint32_t n, struct slice *body)
{
    struct reader r = reader_of(message);
    struct wire_field field;
    uint32_t set = 0;

    while (wire_next(&r, &field))
        if (field.number <= n) {
            set = field.number;
            *body = field.bytes;
        }
    return set;
}

int field_member(struct slice message, uint32_t number, struct ident *out, struct err *err)
{
    struct slice found, body;

    if (!wire_find(message, number, &found))
        return err_set(err, ERR_MALFORMED, "an action lacks its member");
    switch (field_oneof(found, 3, &body)) {
    case 1:
        *out = (struct ident){IDENT_ETHEREUM, body};
        return 0;
    case 2:
        *out = (struct ident){IDENT_INSTALLATION, body};
        return 0;
    case 3:
        *out = (struct ident){IDENT_PASSKEY, field_bytes(body, 1)};
        return 0;
    }
    return err_set(err, ERR_MALFORMED, "a member of no known kind");
}

int field_account(struct slice text, uint64_t kind, struct pool *pool, struct ident *out, struct err *err)
{
    uint8_t *key;

    *out = (struct ident){IDENT_ETHEREUM, text};
    if (kind != XMTP__IDENTITY__ASSOCIATIONS__IDENTIFIER_KIND__IDENTIFIER_KIND_PASSKEY)
        return 0;
    if ((key = pool_alloc(pool, text.len / 2 + 1, 1)) == NULL)
        return err_set(err, ERR_NOMEM, "out of memory");
    if (text.len % 2 != 0 || !hex_decode((const char *)text.data, text.len, key, text.len / 2))
        return err_set(err, ERR_MALFORMED, "a passkey identifier is not hex");
    *out = (struct ident){IDENT_PASSKEY, slice_of(key, text.len / 2)};
    return 0;
}
