#include "node/welcomes.h"

#include "base/err.h"
#include "crypto/hash.h"
#include "node/data.h"
#include "proto/wire.h"

static void row_hash(const struct welcome_row *row, uint8_t out[HASH_SHA256_LEN])
{
    hash_sha256_parts((const struct slice[]){row->installation_key, row->data}, 2, out);
}

int welcomes_add(struct node_data *data, struct welcome_row *row, struct err *err)
{
    uint8_t hash[HASH_SHA256_LEN];
    struct db_query q;
    int r;

    row_hash(row, hash);
    row->created_ns = node_data_now(data);
    db_query(&q, data->writer,
             "INSERT INTO welcomes (created_ns, kind, wrapper_algorithm, installation_key, hash, hpke_public_key,"
             " metadata, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (hash) DO NOTHING");
    db_bind_i64(&q, 1, row->created_ns);
    db_bind_i64(&q, 2, row->kind);
    db_bind_i64(&q, 3, row->wrapper_algorithm);
    db_bind_slice(&q, 4, row->installation_key);
    db_bind_slice(&q, 5, slice_of(hash, sizeof hash));
    db_bind_slice(&q, 6, row->hpke_public_key);
    db_bind_slice(&q, 7, row->metadata);
    db_bind_slice(&q, 8, row->data);
    if ((r = db_run(&q, err)) != 0)
        return r;
    row->id = db_changes(data->writer) > 0 ? db_last_id(data->writer) : 0;
    return 0;
}

void welcome_rows_start(struct welcome_rows *rows, struct db *db, struct slice installation_key, bool ascending,
                        int64_t cursor, int64_t limit)
{
    rows->installation_key = installation_key;
    db_query(&rows->q, db,
             ascending ? "SELECT id, created_ns, kind, wrapper_algorithm, hpke_public_key, metadata, data"
                         " FROM welcomes WHERE installation_key = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
                       : "SELECT id, created_ns, kind, wrapper_algorithm, hpke_public_key, metadata, data"
                         " FROM welcomes WHERE installation_key = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3");
    db_bind_slice(&rows->q, 1, installation_key);
    db_bind_i64(&rows->q, 2, !ascending && cursor == 0 ? INT64_MAX : cursor);
    db_bind_i64(&rows->q, 3, limit);
}

int welcome_rows_next(struct welcome_rows *rows, struct welcome_row *out, struct err *err)
{
    int r = db_step(&rows->q, err);

    if (r != DB_ROW)
        return r;
    *out = (struct welcome_row){.id = db_col_i64(&rows->q, 0),
                                .created_ns = db_col_i64(&rows->q, 1),
                                .kind = db_col_i64(&rows->q, 2) == WELCOME_POINTER ? WELCOME_POINTER : WELCOME_V1,
                                .wrapper_algorithm = db_col_i64(&rows->q, 3),
                                .installation_key = rows->installation_key,
                                .hpke_public_key = db_col_slice(&rows->q, 4),
                                .metadata = db_col_slice(&rows->q, 5),
                                .data = db_col_slice(&rows->q, 6)};
    return r;
}

void welcome_rows_end(struct welcome_rows *rows)
{
    db_end(&rows->q);
}

/* V1 and WelcomePointer have the same fields at the same numbers, but for 7, which a pointer lacks. */
static size_t inner_size(const struct welcome_row *row)
{
    return wire_size_u64(1, (uint64_t)row->id) + wire_size_u64(2, (uint64_t)row->created_ns) +
           wire_size_bytes(3, row->installation_key.len) + wire_size_bytes(4, row->data.len) +
           wire_size_bytes(5, row->hpke_public_key.len) + wire_size_u64(6, (uint64_t)row->wrapper_algorithm) +
           (row->kind == WELCOME_V1 ? wire_size_bytes(7, row->metadata.len) : 0);
}

static uint32_t arm(const struct welcome_row *row)
{
    return row->kind == WELCOME_POINTER ? 2 : 1;
}

size_t welcome_row_size(const struct welcome_row *row)
{
    return wire_size_message(arm(row), inner_size(row));
}

void welcome_row_put(struct buf *out, const struct welcome_row *row)
{
    wire_put_head(out, arm(row), inner_size(row));
    wire_put_u64(out, 1, (uint64_t)row->id);
    wire_put_u64(out, 2, (uint64_t)row->created_ns);
    wire_put_bytes(out, 3, row->installation_key);
    wire_put_bytes(out, 4, row->data);
    wire_put_bytes(out, 5, row->hpke_public_key);
    wire_put_u64(out, 6, (uint64_t)row->wrapper_algorithm);
    if (row->kind == WELCOME_V1)
        wire_put_bytes(out, 7, row->metadata);
}
