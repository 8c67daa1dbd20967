#include "identity/credential.h"

#include "base/err.h"
#include "proto/check.h"
#include "proto/wire.h"
#include "proto/xmtp_identity.pb-c.h"

#include <string.h>

void credential_write(const char inbox_id[INBOX_ID_LEN + 1], uint8_t out[CREDENTIAL_LEN])
{
    out[0] = 1 << 3 | WIRE_LEN;
    out[1] = INBOX_ID_LEN;
    memcpy(out + 2, inbox_id, INBOX_ID_LEN);
}

int credential_read(struct slice identity, char inbox_id[INBOX_ID_LEN + 1], struct err *err)
{
    struct slice id;
    int r =
        proto_check(&xmtp__identity__mls_credential__descriptor, identity, &proto_limits_default, NULL, err);

    if (r != 0)
        return err_wrap(err, r, "MLS credential");
    if (!wire_find(identity, 1, &id) || !inbox_id_is_valid(id))
        return err_set(err, ERR_MALFORMED, "the MLS credential names no inbox");
    memcpy(inbox_id, id.data, INBOX_ID_LEN);
    inbox_id[INBOX_ID_LEN] = '\0';
    return 0;
}
