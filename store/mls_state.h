/* MLS state in pieces, sealed: what the mls library hands out to be kept, so that one message rewrites one
 * ratchet and not the whole group.  (kind, epoch, index) mean what the library says. */
#pragma once
#include "store/store.h"

struct store_piece {
    uint32_t kind;
    uint64_t epoch;
    uint32_t index;
};

/* The bytes are the caller's, to be wiped; ERR_NOTFOUND. */
int store_mls_get(struct store *store, struct slice group_id, struct store_piece piece, struct bytes *out,
                  struct err *err);
int store_mls_put(struct store *store, struct slice group_id, struct store_piece piece, struct slice body,
                  struct err *err);
/* What is not there is fine. */
int store_mls_delete(struct store *store, struct slice group_id, struct store_piece piece, struct err *err);
/* Every index of this kind and epoch. */
int store_mls_delete_epoch(struct store *store, struct slice group_id, uint32_t kind, uint64_t epoch,
                           struct err *err);
int store_mls_delete_group(struct store *store, struct slice group_id, struct err *err);
