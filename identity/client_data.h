/* The client data of a passkey's signature: JSON that the wallet's owner chose.
 *
 * Read as libxmtp's JSON library reads it into its two members, neither more strictly nor less: whoever
 * takes other client data than the network does cannot read the inbox, or reads one that is none.
 * Thread: any. */
#pragma once
#include "base/bytes.h"

/* The `challenge` of an object with string members `origin` and `challenge`, each once, or of an array of
 * just these two.  Anything else may stand beside them, twice too.  ERR_MALFORMED, ERR_NOMEM. */
int client_data_challenge(struct slice json, struct buf *challenge);
