/* What our own installations share: the HMAC root key, the outbox of updates to them, and which of their
 * messages were applied. */
#pragma once
#include "store/messages.h"
#include "store/store.h"

/* ERR_NOTFOUND before the first key. */
int store_hmac_key_get(struct store *store, struct store_mem *mem, struct slice *key, int64_t *cycled_at_ns,
                       struct err *err);
/* Kept unless the stored one is newer; *stored (may be NULL) tells. */
int store_hmac_key_put(struct store *store, struct slice key, int64_t cycled_at_ns, bool *stored,
                       struct err *err);

/* The outbox: written in the transaction that changes the consent row, removed when the node has the message.
 */
struct store_preference {
    int64_t id;              /* ascending: the order of sending */
    int64_t batch;           /* of the consent log; 0: none (an HMAC key) */
    struct slice payload;    /* sealed: serialised DeviceSyncContent */
    struct slice message_id; /* once an intent carries it; data NULL before */
    unsigned attempts;
    int64_t created_at_ns;
    int64_t next_attempt_ns; /* 0: at once */
};

int store_preference_put(struct store *store, int64_t batch, struct slice payload, int64_t now_ns,
                         int64_t *id, struct err *err);
/* In order; borrowed rows; non-zero stops. */
int store_preferences_each(struct store *store, int (*fn)(void *ctx, const struct store_preference *row),
                           void *ctx, struct err *err);
/* An intent carries it now (same transaction). */
int store_preference_set_message(struct store *store, int64_t id, struct slice message_id, struct err *err);
int store_preference_retry(struct store *store, int64_t id, int64_t next_attempt_ns, struct err *err);
/* The node has this message: removes the item and marks its batch in the log as sent.  Unknown ids are fine:
 * *was_ours (may be NULL) tells. */
int store_preference_sent(struct store *store, struct slice message_id, bool *was_ours, struct err *err);
int store_preference_delete(struct store *store, int64_t id, struct err *err);
int store_preferences_count(struct store *store, int64_t *out, struct err *err);

enum store_device_sync_state {
    STORE_DEVICE_SYNC_PENDING = 0,
    STORE_DEVICE_SYNC_PROCESSED = 1,
    STORE_DEVICE_SYNC_FAILED = 2,
};

/* Application messages of trusted SYNC groups that were not applied yet, per group by sequence id; ours
 * included as soon as the node has them, whether they have been read back or not.  Only this one where an id is
 * given, if it is one of them: looking for all reads every message that such a group ever had. */
int store_device_sync_pending(struct store *store, struct slice message_id, store_message_fn *fn, void *ctx,
                              struct err *err);
int store_device_sync_done(struct store *store, struct slice message_id, int64_t now_ns, struct err *err);
/* Counts an attempt; at max_attempts it is failed. */
int store_device_sync_failed(struct store *store, struct slice message_id, unsigned max_attempts,
                             int64_t now_ns, struct err *err);
