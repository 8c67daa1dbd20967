#include "store/mls_state.h"

#include "base/alloc.h"
#include "base/hex.h"
#include "store/rows.h"

#include <stdio.h>

/* HEX/KIND/EPOCH/PART, what sealed_columns says in SQL. */
struct piece_row {
    char text[2 * STORE_GROUP_ID_MAX + 64];
};

static int row_of(struct slice group_id, struct store_piece piece, struct piece_row *space, struct slice *out,
                  struct err *err)
{
    size_t at = 2 * group_id.len;

    if (group_id.len > STORE_GROUP_ID_MAX)
        return err_set(err, ERR_INVALID, "a group id of %zu bytes", group_id.len);
    hex_encode(group_id.data, group_id.len, space->text);
    at += (size_t)snprintf(space->text + at, sizeof space->text - at, "/%u/%lld/%u", piece.kind,
                           (long long)piece.epoch, piece.index);
    *out = slice_of(space->text, at);
    return 0;
}

static void bind_key(struct db_query *q, struct slice group_id, struct store_piece piece)
{
    db_bind_slice(q, 1, group_id);
    db_bind_i64(q, 2, piece.kind);
    db_bind_i64(q, 3, (int64_t)piece.epoch);
    db_bind_i64(q, 4, piece.index);
}

static int open_piece(struct store *store, const struct db_query *q, struct slice row, struct bytes *out,
                      struct err *err)
{
    struct slice sealed = db_col_slice(q, 0);
    size_t len = sealed.len > SEAL_OVERHEAD ? sealed.len - SEAL_OVERHEAD : 0;
    uint8_t *plain = xm_alloc(len);
    int r;

    if (!plain)
        return store_no_memory(err);
    r = seal_open(&store->sealer, &sealed_columns[SEALED_MLS_PIECE].column, row, sealed, plain, err);
    if (r != 0) {
        xm_free_secret(plain, len);
        return r;
    }
    *out = (struct bytes){plain, len};
    return 0;
}

int store_mls_get(struct store *store, struct slice group_id, struct store_piece piece, struct bytes *out,
                  struct err *err)
{
    struct piece_row space;
    struct slice row;
    struct db_query q;
    int r;

    if ((r = row_of(group_id, piece, &space, &row, err)) != 0)
        return r;
    db_query(&q, store->db,
             "SELECT body FROM mls_pieces WHERE group_id = ?1 AND kind = ?2 AND epoch = ?3 AND part = ?4");
    bind_key(&q, group_id, piece);
    r = db_step(&q, err);
    if (r == DB_ROW)
        r = open_piece(store, &q, row, out, err);
    else if (r == DB_DONE)
        r = err_set(err, ERR_NOTFOUND, "no MLS piece %s", space.text);
    db_end(&q);
    return r;
}

int store_mls_put(struct store *store, struct slice group_id, struct store_piece piece, struct slice body,
                  struct err *err)
{
    struct piece_row space;
    struct slice row;
    struct db_query q;
    int r;

    if ((r = row_of(group_id, piece, &space, &row, err)) != 0)
        return r;
    db_query(&q, store->db,
             "INSERT INTO mls_pieces (group_id, kind, epoch, part, body) VALUES (?1, ?2, ?3, ?4, ?5)"
             " ON CONFLICT DO UPDATE SET body = excluded.body");
    bind_key(&q, group_id, piece);
    if ((r = store_row_seal(store, &q, 5, SEALED_MLS_PIECE, row, body, err)) == 0)
        r = db_run(&q, err);
    db_end(&q);
    return r;
}

int store_mls_delete(struct store *store, struct slice group_id, struct store_piece piece, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db,
             "DELETE FROM mls_pieces WHERE group_id = ?1 AND kind = ?2 AND epoch = ?3 AND part = ?4");
    bind_key(&q, group_id, piece);
    return db_run(&q, err);
}

int store_mls_delete_epoch(struct store *store, struct slice group_id, uint32_t kind, uint64_t epoch,
                           struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "DELETE FROM mls_pieces WHERE group_id = ?1 AND kind = ?2 AND epoch = ?3");
    db_bind_slice(&q, 1, group_id);
    db_bind_i64(&q, 2, kind);
    db_bind_i64(&q, 3, (int64_t)epoch);
    return db_run(&q, err);
}

int store_mls_delete_group(struct store *store, struct slice group_id, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "DELETE FROM mls_pieces WHERE group_id = ?1");
    db_bind_slice(&q, 1, group_id);
    return db_run(&q, err);
}
