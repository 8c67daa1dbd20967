/* Start of the crypto folder: what XMTP and MLS need over libsodium, libsecp256k1 and OpenSSL.
 *
 * No protocol lives here.  Secrets are fixed-size structs with a wipe function beside them; a
 * buffer given as `out` is the caller's.  After crypto_init() everything is callable from any
 * thread: the only state shared is read-only. */
#pragma once
#include <stdbool.h>

struct err;

/* Once per process, before any other thread exists; again is harmless.
 * ERR_STATE when a library refuses to start. */
int crypto_init(struct err *err);
