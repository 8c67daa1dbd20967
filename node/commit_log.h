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
struct commit_log_rows {
    struct db_query q;
};

/* Up to `limit` entries with id > `cursor`, ascending.  Slices live until the next call. */
void commit_log_rows_start(struct commit_log_rows *rows, struct db *db, struct slice group_id, int64_t cursor,
                           int64_t limit);
/* DB_ROW, DB_DONE or an error.  The group id is not filled in. */
int commit_log_rows_next(struct commit_log_rows *rows, struct commit_log_row *out, struct err *err);
void commit_log_rows_end(struct commit_log_rows *rows);

/* A CommitLogEntry. */
size_t commit_log_row_size(const struct commit_log_row *row);
void commit_log_row_put(struct buf *out, const struct commit_log_row *row);
