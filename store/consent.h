/* Consent records, and the log of every change to them, ours or received.
 *
 * The last writer wins by the writer's clock: a record keeps the greatest timestamp seen with its state, on
 * equal timestamps what is stored stays (sync.md 2.5).  Records are marked, never removed. */
#pragma once
#include "store/store.h"

enum store_consent_type { STORE_CONSENT_CONVERSATION = 1, STORE_CONSENT_INBOX = 2 };
enum store_consent_state { STORE_CONSENT_UNKNOWN = 0, STORE_CONSENT_ALLOWED = 1, STORE_CONSENT_DENIED = 2 };
#define STORE_CONSENT_BIT(state) (1u << (state))

enum store_consent_effect {
    STORE_EFFECT_CHANGED = 1,
    STORE_EFFECT_SAME = 2,    /* that was the state already; a newer timestamp is kept */
    STORE_EFFECT_STALE = 3,   /* a later decision is known */
    STORE_EFFECT_REFUSED = 4, /* not ours to obey: malformed or from a stranger */
};

enum store_delivery {
    STORE_DELIVERY_NONE = 0,   /* received, or not to be sent */
    STORE_DELIVERY_QUEUED = 1, /* in the outbox */
    STORE_DELIVERY_SENT = 2,   /* the node has it */
    STORE_DELIVERY_FAILED = 3,
};

struct store_consent {
    enum store_consent_type type;
    const char *entity; /* inbox id, or lower-case hex of the group id */
    enum store_consent_state state;
    /* The deciding installation's clock.  0 when applying: now, and in any case later than what is stored. */
    int64_t consented_at_ns;
    struct slice origin; /* installation id it came from; data NULL: this one */
};

struct store_consent_change {
    enum store_consent_effect effect;
    enum store_consent_state old_state;
    int64_t consented_at_ns; /* as applied: what goes to the others */
    int64_t log_id;          /* 0: the very same decision was known, no line was written */
};

/* How a change enters the log. */
struct store_consent_context {
    int64_t now_ns;
    int64_t batch; /* store_consent_batch(): what was decided together is undone together */
    enum store_delivery delivery;
    struct slice message_id; /* that carried it; data NULL: none yet */
};

/* An unused batch number. */
int store_consent_batch(struct store *store, int64_t *batch, struct err *err);
/* Applies the rule above and writes one line of the log. `out` may be NULL. */
int store_consent_apply(struct store *store, const struct store_consent *in,
                        const struct store_consent_context *context, struct store_consent_change *out,
                        struct err *err);
/* Only the log: an update that was not obeyed. */
int store_consent_refuse(struct store *store, const struct store_consent *in,
                         const struct store_consent_context *context, int64_t *log_id, struct err *err);
int store_consent_get(struct store *store, enum store_consent_type type, const char *entity,
                      struct store_mem *mem, struct store_consent *out, struct err *err); /* ERR_NOTFOUND */
/* Unknown where there is no record. */
int store_consent_state(struct store *store, enum store_consent_type type, const char *entity,
                        enum store_consent_state *out, struct err *err);
/* All records, by type and entity; non-zero stops. */
int store_consents_each(struct store *store, int (*fn)(void *ctx, const struct store_consent *row), void *ctx,
                        struct err *err);
/* The newest conversation record among the groups of a DM pair; ERR_NOTFOUND. */
int store_consent_of_dm(struct store *store, const char *dm_id, struct store_mem *mem,
                        struct store_consent *out, struct err *err);

struct store_consent_log {
    int64_t id;
    int64_t time_ns;             /* when it reached this installation */
    struct store_consent record; /* as it came: new state, timestamp, origin */
    enum store_consent_state old_state;
    enum store_consent_effect effect;
    int64_t batch;
    enum store_delivery delivery;
    struct slice message_id; /* data NULL: none */
};

typedef int store_consent_log_fn(void *ctx,
                                 const struct store_consent_log *row); /* borrowed; non-zero stops */

/* Newest first, ids below before_id (0: from the newest). */
int store_consent_log_page(struct store *store, int64_t before_id, size_t limit, store_consent_log_fn *fn,
                           void *ctx, struct err *err);
int store_consent_log_get(struct store *store, int64_t id, struct store_mem *mem,
                          struct store_consent_log *out, struct err *err); /* ERR_NOTFOUND */
/* In the order they were made. */
int store_consent_log_batch(struct store *store, int64_t batch, store_consent_log_fn *fn, void *ctx,
                            struct err *err);
/* One entity's history, newest first: who decided it and when. */
int store_consent_log_of(struct store *store, enum store_consent_type type, const char *entity, size_t limit,
                         store_consent_log_fn *fn, void *ctx, struct err *err);
int store_consent_log_delivered(struct store *store, int64_t batch, enum store_delivery delivery,
                                struct slice message_id, struct err *err);
