#include "store/commit_log.h"

#include "store/rows.h"

int store_commit_put(struct store *store, const struct store_commit *in, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db,
             "INSERT INTO commit_log (group_id, origin, result, originator, sequence_id, sender_inbox_id, "
             "last_epoch,"
             " applied_epoch, last_authenticator, applied_authenticator, time_ns, note)"
             " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)");
    db_bind_slice(&q, 1, in->group_id);
    db_bind_i64(&q, 2, in->origin);
    db_bind_i64(&q, 3, in->result);
    db_bind_i64(&q, 4, in->originator);
    db_bind_i64(&q, 5, in->sequence_id);
    db_bind_text(&q, 6, in->sender_inbox_id);
    db_bind_i64(&q, 7, (int64_t)in->last_epoch);
    db_bind_i64(&q, 8, (int64_t)in->applied_epoch);
    db_bind_slice(&q, 9, in->last_authenticator);
    db_bind_slice(&q, 10, in->applied_authenticator);
    db_bind_i64(&q, 11, in->time_ns);
    db_bind_text(&q, 12, in->note);
    return db_run(&q, err);
}

static struct store_commit read_row(const struct db_query *q, struct slice group_id)
{
    return (struct store_commit){
        .id = db_col_i64(q, 0),
        .group_id = group_id,
        .origin = (enum store_commit_origin)db_col_i64(q, 1),
        .result = (enum store_commit_result)db_col_i64(q, 2),
        .originator = (uint32_t)db_col_i64(q, 3),
        .sequence_id = db_col_i64(q, 4),
        .sender_inbox_id = db_col_text(q, 5),
        .last_epoch = (uint64_t)db_col_i64(q, 6),
        .applied_epoch = (uint64_t)db_col_i64(q, 7),
        .last_authenticator = db_col_slice(q, 8),
        .applied_authenticator = db_col_slice(q, 9),
        .time_ns = db_col_i64(q, 10),
        .note = db_col_text(q, 11),
    };
}

int store_commits_each(struct store *store, struct slice group_id, size_t limit,
                       int (*fn)(void *ctx, const struct store_commit *row), void *ctx, struct err *err)
{
    struct store_commit row;
    struct db_query q;
    int r;

    db_query(&q, store->db,
             "SELECT id, origin, result, originator, sequence_id, sender_inbox_id, last_epoch, applied_epoch,"
             " last_authenticator, applied_authenticator, time_ns, note"
             " FROM commit_log WHERE group_id = ?1 ORDER BY id DESC LIMIT ?2");
    db_bind_slice(&q, 1, group_id);
    db_bind_i64(&q, 2, (int64_t)limit);
    while ((r = db_step(&q, err)) == DB_ROW) {
        row = read_row(&q, group_id);
        if ((r = fn(ctx, &row)) != 0)
            break;
    }
    db_end(&q);
    return r;
}
