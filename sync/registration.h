/* Making this installation known to the network (identity.md sections 5.1 and 5.2).
 *
 * The installation's key is on disk, sealed, before anything is uploaded: a crash in the middle is
 * picked up by registration_resume() or by the same call again, never by a second installation.
 *
 * Thread: background.  All calls but registration_load() wait. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct core;
struct err;

/* Reads who this installation is into core->self; registered stays false where nothing is stored or
 * the registration was not finished.  No network. */
int registration_load(struct core *core, struct err *err);

/* Registers with a wallet key of 32 bytes: a new inbox, or one more installation of the inbox that
 * the address has.  The key is kept, sealed, for later signatures.  ERR_EXISTS: this home belongs to
 * another inbox.  ERR_TOOBIG: the inbox has ten installations; ERR_OFFLINE, ERR_REMOTE. */
int registration_with_wallet(struct core *core, const uint8_t wallet_key[32], struct err *err);

/* The same with a fresh random wallet key. */
int registration_new_wallet(struct core *core, struct err *err);

/* For a wallet elsewhere: makes the request and gives the text that the wallet must sign (EIP-191).
 * Survives a restart; the same address gives the same text.  *text is freed with xm_free(). */
int registration_begin_external(struct core *core, const char *address, char request_id[33], char **text,
                                struct err *err);
/* The 65-byte signature of that text.  ERR_AUTH: it is not the wallet's.  ERR_NOTFOUND: no such request. */
int registration_finish_external(struct core *core, const char *request_id, struct slice signature,
                                 struct err *err);

/* Finishes what a crash interrupted, if anything.  *finished tells whether we are registered now. */
int registration_resume(struct core *core, bool *finished, struct err *err);

/* The wallet key kept for later signatures into `out`; ERR_NOTFOUND when a wallet elsewhere signs. */
int registration_wallet_key(struct core *core, uint8_t out[32], struct err *err);
