/* MLS state in pieces, sealed: what the mls library hands out to be kept, so that one message rewrites one
 * ratchet and not the whole group.  (kind, epoch, index) mean what the library says. */
#pragma once
#include "store/store.h"

struct store_piece {
    uint32_t kind;
    uint64_t epoch; /* below 2^63 */
    uint64_t index; /* below 2^63 */
};

/* Appends to `out` (which should be .secret); ERR_NOTFOUND. */
int store_mls_get(struct store *store, struct slice group_id, struct store_piece piece, struct buf *out,
                  struct err *err);
int store_mls_put(struct store *store, struct slice group_id, struct store_piece piece, struct slice body,
                  struct err *err);
int store_mls_delete(struct store *store, struct slice group_id, struct store_piece piece, struct err *err);
/* Every piece of a kind in epochs before `epoch`. */
int store_mls_delete_before(struct store *store, struct slice group_id, uint32_t kind, uint64_t epoch,
                            struct err *err);
int store_mls_delete_group(struct store *store, struct slice group_id, struct err *err);
/* All pieces of a kind, by epoch and index.  `body` is borrowed; non-zero stops. */
int store_mls_each(struct store *store, struct slice group_id, uint32_t kind,
                   int (*fn)(void *ctx, struct store_piece piece, struct slice body), void *ctx,
                   struct err *err);
