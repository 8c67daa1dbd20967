/* DeviceSyncContent: what our installations tell each other (sync.md 2.2), built and read.
 *
 * Pure.  Reading is tolerant: each update stands alone, one that makes no sense is counted and
 * passed over, and what is not a PreferenceUpdates at all is no error.  Thread: any. */
#pragma once
#include "base/bytes.h"
#include "sync/consent.h"

#include <stddef.h>
#include <stdint.h>

struct err;

/* ---- building: updates one after the other, then the whole ---- */

void pref_payload_add_consent(struct buf *updates, const struct consent_choice *choice, int64_t at_ns);
void pref_payload_add_hmac(struct buf *updates, struct slice key, int64_t cycled_at_ns);
/* Appends the DeviceSyncContent around `updates` to `out`. */
void pref_payload_finish(const struct buf *updates, struct buf *out);

/* ---- reading ---- */

struct pref_update {
    enum pref_update_kind { PREF_CONSENT, PREF_HMAC } kind;
    struct consent_choice choice; /* PREF_CONSENT */
    int64_t at_ns;                /* of the consent, or when the key was cycled */
    uint8_t hmac_key[42];         /* PREF_HMAC */
};

/* Calls `each` for every update that makes sense, in order; non-zero stops and is returned.
 * *refused (may be NULL) counts those that make none.  ERR_MALFORMED: no DeviceSyncContent;
 * ERR_NOMEM. */
int pref_payload_each(struct slice payload, int (*each)(void *ctx, const struct pref_update *update), void *ctx,
                      size_t *refused, struct err *err);
