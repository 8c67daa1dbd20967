/* HMAC keys: how a push service recognises a person's own messages (sync.md section 4).
 *
 * One root key per inbox, 42 bytes, shared among its installations through the preferences group;
 * keys per conversation and 30-day period are derived from it.  Thread: background. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct core;
struct err;

#define HMAC_ROOT_LEN 42
#define HMAC_KEY_LEN 42
#define HMAC_PERIOD_S 2592000 /* 30 days */

/* floor(unix seconds / 30 days). */
int64_t hmac_period(int64_t now_ns);

/* HKDF-SHA256 with XMTP's salt; pure. */
void hmac_derive(const uint8_t root[HMAC_ROOT_LEN], const uint8_t group_id[16], int64_t period,
                 uint8_t out[HMAC_KEY_LEN]);

/* sender_hmac of a message about to be published: HMAC-SHA256 under the key of now over `data`, the
 * exact bytes published.  Makes the root key where there is none yet (inside or outside a
 * transaction).  The root and the key last used are cached in memory. */
int hmac_sender(struct core *core, const uint8_t group_id[16], struct slice data, uint8_t out[32],
                struct err *err);

/* The current root key; made where there is none yet. */
int hmac_root(struct core *core, uint8_t out[HMAC_ROOT_LEN], struct err *err);
/* A root key from one of our installations, or one that we have sent: the greatest `cycled_at_ns`
 * wins.  Notes CORE_PREFERENCES when it changes.  Inside a transaction. */
int hmac_receive_root(struct core *core, const uint8_t key[HMAC_ROOT_LEN], int64_t cycled_at_ns, struct err *err);
/* Wipes and forgets what is cached. */
void hmac_forget(struct core *core);
