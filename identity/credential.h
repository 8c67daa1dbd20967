/* The MLS credential of XMTP: a basic credential that names an inbox.  Thread: any. */
#pragma once
#include "base/bytes.h"
#include "identity/ident.h"

struct err;

/* MlsCredential {1 inbox_id}: the identity of the basic credential, 66 bytes. */
#define CREDENTIAL_LEN (2 + INBOX_ID_LEN)

void credential_write(const char inbox_id[INBOX_ID_LEN + 1], uint8_t out[CREDENTIAL_LEN]);
/* `identity` of a received leaf → the inbox id, as it stands there (not checked against anything,
 * but 64 hex digits).  ERR_MALFORMED. */
int credential_read(struct slice identity, char inbox_id[INBOX_ID_LEN + 1], struct err *err);
