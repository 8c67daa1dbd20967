/* Identity updates of every inbox we know, states computed from them, and which inbox an address has.
 * Payloads, states and addresses are sealed; an address is found by a keyed hash of it. */
#pragma once
#include "store/store.h"

struct store_identity_update {
    const char *inbox_id;
    int64_t sequence_id;
    uint32_t originator;
    int64_t server_time_ns;
    struct slice payload; /* serialised IdentityUpdate */
};

/* A known (inbox, sequence id) is left as it is and *added is false. `added` may be NULL. */
int store_identity_update_put(struct store *store, const struct store_identity_update *in, bool *added,
                              struct err *err);
/* Ascending, sequence ids in (after, upto]; upto 0: no bound.  `fn` gets a borrowed row and may stop by
 * returning non-zero, which is handed on. */
int store_identity_updates_each(struct store *store, const char *inbox_id, int64_t after, int64_t upto,
                                int (*fn)(void *ctx, const struct store_identity_update *row), void *ctx,
                                struct err *err);
/* The highest stored sequence id, 0 if none. */
int store_identity_updates_newest(struct store *store, const char *inbox_id, int64_t *sequence_id,
                                  struct err *err);
int store_identity_update_exists(struct store *store, const char *inbox_id, int64_t sequence_id, bool *out,
                                 struct err *err);

/* Association states are a cache: dropping them loses time only.  ERR_NOTFOUND. */
int store_association_get(struct store *store, const char *inbox_id, int64_t sequence_id,
                          struct store_mem *mem, struct slice *state, struct err *err);
int store_association_put(struct store *store, const char *inbox_id, int64_t sequence_id, struct slice state,
                          struct err *err);
int store_associations_clear(struct store *store, struct err *err);

/* Identifier kinds as on the wire: 1 address, 2 passkey. */
int store_inbox_of_put(struct store *store, int kind, struct slice identifier, const char *inbox_id,
                       int64_t now_ns, struct err *err);
/* ERR_NOTFOUND. `learned_at_ns` may be NULL. */
int store_inbox_of_get(struct store *store, int kind, struct slice identifier, struct store_mem *mem,
                       const char **inbox_id, int64_t *learned_at_ns, struct err *err);
/* What we last learnt as identifiers of an inbox, e.g. to show an address for it. */
int store_identifiers_of_each(struct store *store, const char *inbox_id,
                              int (*fn)(void *ctx, int kind, struct slice identifier), void *ctx,
                              struct err *err);
