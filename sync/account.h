/* Changes of our own inbox that a wallet has to sign: revoking installations, linking and unlinking
 * accounts, the recovery identifier (identity.md sections 5.3 to 5.5).
 *
 * With a wallet key kept here a change is one call.  With a wallet elsewhere it takes two: the first
 * fails with ERR_AUTH and gives the text to sign, the second brings the signature.
 *
 * Thread: background; calls wait. */
#pragma once
#include "identity/ident.h"

#include <stdint.h>

struct core;
struct err;
struct identity_request;

/* What a wallet elsewhere is asked for. */
struct account_need {
    char request_id[33];
    char *text; /* freed with xm_free() */
};

/* Signs `request` (which is taken, also on failure) with what is kept here and publishes it.
 * ERR_AUTH with *need filled: the wallet elsewhere must sign. */
int account_publish(struct core *core, struct identity_request *request, struct account_need *need, struct err *err);

/* The answer to a need: 65 bytes.  ERR_NOTFOUND: no such request; ERR_AUTH: not the right wallet. */
int account_finish(struct core *core, const char *request_id, struct slice signature, struct err *err);

/* Requests that wait for a signature are forgotten. */
void account_forget(struct core *core);
