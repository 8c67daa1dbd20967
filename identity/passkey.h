/* Passkey signatures: what of WebAuthn an identity update needs.  Thread: any. */
#pragma once
#include "base/bytes.h"

#include <stdint.h>

struct err;

/* Did the passkey sign `text`?  The challenge of the client data is base64url of the text itself.
 * Flags, counter and relying party are not looked at: others do not either, and all must agree.
 * `raw` gets r and s.  ERR_AUTH, ERR_MALFORMED (client data, key, signature), ERR_NOMEM. */
int passkey_verify(struct slice public_key, struct slice signature, struct slice authenticator_data,
                   struct slice client_data_json, struct slice text, uint8_t raw[64], struct err *err);
