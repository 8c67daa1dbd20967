#include "store/removals.h"

#include "store/rows.h"

int store_deletion_put(struct store *store, const struct store_deletion *in, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db,
             "INSERT INTO deletions (id, group_id, target, by_inbox_id, by_super_admin, deleted_at_ns)"
             " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING");
    db_bind_slice(&q, 1, in->id);
    db_bind_slice(&q, 2, in->group_id);
    db_bind_slice(&q, 3, in->target);
    db_bind_text(&q, 4, in->by_inbox_id);
    db_bind_i64(&q, 5, in->by_super_admin);
    db_bind_i64(&q, 6, in->deleted_at_ns);
    return db_run(&q, err);
}

int store_deletions_of(struct store *store, struct slice target,
                       int (*fn)(void *ctx, const struct store_deletion *row), void *ctx, struct err *err)
{
    struct store_deletion row;
    struct db_query q;
    int r;

    db_query(
        &q, store->db,
        "SELECT id, group_id, by_inbox_id, by_super_admin, deleted_at_ns FROM deletions WHERE target = ?1"
        " ORDER BY deleted_at_ns, id");
    db_bind_slice(&q, 1, target);
    while ((r = db_step(&q, err)) == DB_ROW) {
        row = (struct store_deletion){
            .id = db_col_slice(&q, 0),
            .group_id = db_col_slice(&q, 1),
            .target = target,
            .by_inbox_id = db_col_text(&q, 2),
            .by_super_admin = db_col_i64(&q, 3) != 0,
            .deleted_at_ns = db_col_i64(&q, 4),
        };
        if ((r = fn(ctx, &row)) != 0)
            break;
    }
    db_end(&q);
    return r;
}

int store_leave_put(struct store *store, struct slice group_id, const char *inbox_id, struct slice message_id,
                    int64_t now_ns, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db,
             "INSERT INTO leaves (group_id, inbox_id, message_id, time_ns) VALUES (?1, ?2, ?3, ?4)"
             " ON CONFLICT DO NOTHING");
    db_bind_slice(&q, 1, group_id);
    db_bind_text(&q, 2, inbox_id);
    db_bind_slice(&q, 3, message_id);
    db_bind_i64(&q, 4, now_ns);
    return db_run(&q, err);
}

int store_leave_delete(struct store *store, struct slice group_id, const char *inbox_id, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "DELETE FROM leaves WHERE group_id = ?1 AND (?2 IS NULL OR inbox_id = ?2)");
    db_bind_slice(&q, 1, group_id);
    db_bind_text(&q, 2, inbox_id);
    return db_run(&q, err);
}

int store_leaves_each(struct store *store, struct slice group_id,
                      int (*fn)(void *ctx, struct slice group_id, const char *inbox_id), void *ctx,
                      struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db,
             "SELECT group_id, inbox_id FROM leaves WHERE length(?1) = 0 OR group_id = ?1 ORDER BY time_ns, "
             "inbox_id");
    db_bind_slice(&q, 1, group_id);
    while ((r = db_step(&q, err)) == DB_ROW && (r = fn(ctx, db_col_slice(&q, 0), db_col_text(&q, 1))) == 0)
        ;
    db_end(&q);
    return r;
}
