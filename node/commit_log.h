/* Table commit_log: entries of the groups' commit logs, opaque to the node.  Threads as in
 * node/messages.h. */
#pragma once
#include "base/bytes.h"
#include "store/db.h"

#include <stdint.h>

struct err;
struct node_data;

struct commit_log_row {
    int64_t id;
    struct slice group_id, entry, signature, public_key;
};

int commit_log_add(struct node_data *data, const struct commit_log_row *row, struct err *err);
/* Appends up to `limit` entries with id > `cursor` as field 2 of a QueryCommitLogResponse.
 * *count: how many; *last: the last id. */
int commit_log_put_page(struct db *db, struct slice group_id, int64_t cursor, int64_t limit, struct buf *out,
                        int64_t *count, int64_t *last, struct err *err);
