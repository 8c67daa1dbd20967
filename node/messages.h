/* Table group_messages: every message of every group, commits included, in one sequence.
 * The loop reads with the reader, a batch writes with the writer. */
#pragma once
#include "base/bytes.h"
#include "store/db.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct node_data;

struct group_row {
    int64_t id, created_ns;
    struct slice group_id, data, sender_hmac;
    bool should_push, is_commit;
};

/* Stores a row and fills in id and created_ns.  id is 0 when the same data was there already. */
int group_messages_add(struct node_data *data, struct group_row *row, struct err *err);

/* Rows of a group, one after the other: id > `cursor` upwards, or id < `cursor` downwards (0: from the end). */
struct group_rows {
    struct db_query q;
    struct slice group_id;
};
void group_rows_start(struct group_rows *rows, struct db *db, struct slice group_id, bool ascending, int64_t cursor,
                      int64_t limit);
/* DB_ROW, DB_DONE or an error; slices are valid until the next call. */
int group_rows_next(struct group_rows *rows, struct group_row *out, struct err *err);
void group_rows_end(struct group_rows *rows);

/* The newest row without data and HMAC; DB_DONE if the group has none. */
int group_messages_newest(struct db *db, struct slice group_id, struct group_row *out, struct err *err);

/* Appends the GroupMessage of a row; its size. */
void group_row_put(struct buf *out, const struct group_row *row);
size_t group_row_size(const struct group_row *row);
