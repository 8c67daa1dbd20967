#include "node/commit_log.h"

#include "node/data.h"
#include "proto/wire.h"

int commit_log_add(struct node_data *data, const struct commit_log_row *row, struct err *err)
{
    struct db_query q;

    db_query(&q, data->writer,
             "INSERT INTO commit_log (created_ns, group_id, entry, signature, public_key)"
             " VALUES (?1, ?2, ?3, ?4, ?5)");
    db_bind_i64(&q, 1, node_data_now(data));
    db_bind_slice(&q, 2, row->group_id);
    db_bind_slice(&q, 3, row->entry);
    db_bind_slice(&q, 4, row->signature);
    db_bind_slice(&q, 5, row->public_key);
    return db_run(&q, err);
}

void commit_log_rows_start(struct commit_log_rows *rows, struct db *db, struct slice group_id, int64_t cursor,
                           int64_t limit)
{
    db_query(&rows->q, db,
             "SELECT id, entry, signature, public_key FROM commit_log WHERE group_id = ?1 AND id > ?2"
             " ORDER BY id LIMIT ?3");
    db_bind_slice(&rows->q, 1, group_id);
    db_bind_i64(&rows->q, 2, cursor);
    db_bind_i64(&rows->q, 3, limit);
}

int commit_log_rows_next(struct commit_log_rows *rows, struct commit_log_row *out, struct err *err)
{
    int r = db_step(&rows->q, err);

    if (r == DB_ROW)
        *out = (struct commit_log_row){.id = db_col_i64(&rows->q, 0),
                                       .entry = db_col_slice(&rows->q, 1),
                                       .signature = db_col_slice(&rows->q, 2),
                                       .public_key = db_col_slice(&rows->q, 3)};
    return r;
}

void commit_log_rows_end(struct commit_log_rows *rows)
{
    db_end(&rows->q);
}

static size_t signature_size(const struct commit_log_row *row)
{
    return wire_size_bytes(1, row->signature.len) + wire_size_bytes(2, row->public_key.len);
}

size_t commit_log_row_size(const struct commit_log_row *row)
{
    return wire_size_u64(1, (uint64_t)row->id) + wire_size_bytes(2, row->entry.len) +
           wire_size_message(3, signature_size(row));
}

void commit_log_row_put(struct buf *out, const struct commit_log_row *row)
{
    wire_put_u64(out, 1, (uint64_t)row->id);
    wire_put_bytes(out, 2, row->entry);
    wire_put_head(out, 3, signature_size(row));
    wire_put_bytes(out, 1, row->signature);
    wire_put_bytes(out, 2, row->public_key);
}
