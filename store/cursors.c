#include "store/cursors.h"

#include "store/rows.h"

int store_cursor_get(struct store *store, struct slice entity, enum store_cursor_kind kind,
                     uint32_t originator, int64_t *sequence_id, struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db,
             "SELECT sequence_id FROM cursors WHERE entity = ?1 AND kind = ?2 AND originator = ?3");
    db_bind_slice(&q, 1, entity);
    db_bind_i64(&q, 2, kind);
    db_bind_i64(&q, 3, originator);
    r = db_step(&q, err);
    if (r >= 0)
        *sequence_id = r == DB_ROW ? db_col_i64(&q, 0) : 0;
    db_end(&q);
    return r < 0 ? r : 0;
}

int store_cursor_advance(struct store *store, struct slice entity, enum store_cursor_kind kind,
                         uint32_t originator, int64_t sequence_id, bool *moved, struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db,
             "INSERT INTO cursors (entity, kind, originator, sequence_id) VALUES (?1, ?2, ?3, ?4)"
             " ON CONFLICT DO UPDATE SET sequence_id = excluded.sequence_id"
             " WHERE sequence_id < excluded.sequence_id");
    db_bind_slice(&q, 1, entity);
    db_bind_i64(&q, 2, kind);
    db_bind_i64(&q, 3, originator);
    db_bind_i64(&q, 4, sequence_id);
    if ((r = db_run(&q, err)) == 0 && moved)
        *moved = db_changes(store->db) > 0;
    return r;
}

int store_cursor_of_group(struct store *store, struct slice group_id, int64_t *sequence_id, struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db,
             "SELECT coalesce(max(sequence_id), 0) FROM cursors WHERE entity = ?1 AND kind IN (2, 7)");
    db_bind_slice(&q, 1, group_id);
    if ((r = db_step(&q, err)) == DB_ROW)
        *sequence_id = db_col_i64(&q, 0);
    db_end(&q);
    return r < 0 ? r : 0;
}

int store_cursors_each(struct store *store, struct slice entity, enum store_cursor_kind kind,
                       int (*fn)(void *ctx, uint32_t originator, int64_t sequence_id), void *ctx,
                       struct err *err)
{
    struct db_query q;
    int r;

    db_query(
        &q, store->db,
        "SELECT originator, sequence_id FROM cursors WHERE entity = ?1 AND kind = ?2 ORDER BY originator");
    db_bind_slice(&q, 1, entity);
    db_bind_i64(&q, 2, kind);
    while ((r = db_step(&q, err)) == DB_ROW &&
           (r = fn(ctx, (uint32_t)db_col_i64(&q, 0), db_col_i64(&q, 1))) == 0)
        ;
    db_end(&q);
    return r;
}
