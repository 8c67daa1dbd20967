#include "node/messages.h"

#include "base/err.h"
#include "crypto/hash.h"
#include "node/data.h"
#include "proto/wire.h"

enum { FLAG_PUSH = 1, FLAG_COMMIT = 2 };

static void row_hash(const struct group_row *row, uint8_t out[HASH_SHA256_LEN])
{
    hash_sha256_parts((const struct slice[]){row->group_id, row->data}, 2, out);
}

int group_messages_add(struct node_data *data, struct group_row *row, struct err *err)
{
    uint8_t hash[HASH_SHA256_LEN];
    struct db_query q;
    int r;

    row_hash(row, hash);
    row->created_ns = node_data_now(data);
    db_query(&q, data->writer,
             "INSERT INTO group_messages (created_ns, flags, group_id, hash, sender_hmac, data)"
             " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (hash) DO NOTHING");
    db_bind_i64(&q, 1, row->created_ns);
    db_bind_i64(&q, 2, (row->should_push ? FLAG_PUSH : 0) | (row->is_commit ? FLAG_COMMIT : 0));
    db_bind_slice(&q, 3, row->group_id);
    db_bind_slice(&q, 4, slice_of(hash, sizeof hash));
    db_bind_slice(&q, 5, row->sender_hmac);
    db_bind_slice(&q, 6, row->data);
    if ((r = db_run(&q, err)) != 0)
        return r;
    row->id = db_changes(data->writer) > 0 ? db_last_id(data->writer) : 0;
    return 0;
}

void group_rows_start(struct group_rows *rows, struct db *db, struct slice group_id, bool ascending, int64_t cursor,
                      int64_t limit)
{
    rows->group_id = group_id;
    db_query(&rows->q, db,
             ascending ? "SELECT id, created_ns, flags, sender_hmac, data FROM group_messages"
                         " WHERE group_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
                       : "SELECT id, created_ns, flags, sender_hmac, data FROM group_messages"
                         " WHERE group_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3");
    db_bind_slice(&rows->q, 1, group_id);
    db_bind_i64(&rows->q, 2, !ascending && cursor == 0 ? INT64_MAX : cursor);
    db_bind_i64(&rows->q, 3, limit);
}

static void read_head(struct db_query *q, struct slice group_id, struct group_row *out)
{
    int64_t flags = db_col_i64(q, 2);

    *out = (struct group_row){.id = db_col_i64(q, 0),
                              .created_ns = db_col_i64(q, 1),
                              .group_id = group_id,
                              .should_push = flags & FLAG_PUSH,
                              .is_commit = flags & FLAG_COMMIT};
}

int group_rows_next(struct group_rows *rows, struct group_row *out, struct err *err)
{
    int r = db_step(&rows->q, err);

    if (r != DB_ROW)
        return r;
    read_head(&rows->q, rows->group_id, out);
    out->sender_hmac = db_col_slice(&rows->q, 3);
    out->data = db_col_slice(&rows->q, 4);
    return r;
}

void group_rows_end(struct group_rows *rows)
{
    db_end(&rows->q);
}

int group_messages_newest(struct db *db, struct slice group_id, struct group_row *out, struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, db,
             "SELECT id, created_ns, flags FROM group_messages WHERE group_id = ?1 ORDER BY id DESC LIMIT 1");
    db_bind_slice(&q, 1, group_id);
    if ((r = db_step(&q, err)) == DB_ROW) {
        read_head(&q, group_id, out);
        out->should_push = false;
    }
    db_end(&q);
    return r;
}

/* GroupMessage.V1, field by field. */
static size_t v1_size(const struct group_row *row)
{
    return wire_size_u64(1, (uint64_t)row->id) + wire_size_u64(2, (uint64_t)row->created_ns) +
           wire_size_bytes(3, row->group_id.len) + wire_size_bytes(4, row->data.len) +
           wire_size_bytes(5, row->sender_hmac.len) + wire_size_u64(6, row->should_push) +
           wire_size_u64(7, row->is_commit);
}

size_t group_row_size(const struct group_row *row)
{
    return wire_size_message(1, v1_size(row));
}

void group_row_put(struct buf *out, const struct group_row *row)
{
    wire_put_head(out, 1, v1_size(row));
    wire_put_u64(out, 1, (uint64_t)row->id);
    wire_put_u64(out, 2, (uint64_t)row->created_ns);
    wire_put_bytes(out, 3, row->group_id);
    wire_put_bytes(out, 4, row->data);
    wire_put_bytes(out, 5, row->sender_hmac);
    wire_put_u64(out, 6, row->should_push);
    wire_put_u64(out, 7, row->is_commit);
}
