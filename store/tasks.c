#include "store/tasks.h"

#include "base/clock.h"
#include "store/rows.h"

int store_task_put(struct store *store, const struct store_task *in, bool *added, struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db,
             "INSERT INTO tasks (kind, hash, data, attempts, max_attempts, backoff_ms, max_backoff_ms, "
             "backoff_percent,"
             " created_at_ns, next_attempt_ns, expires_at_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
             "?10, ?11)"
             " ON CONFLICT DO NOTHING");
    db_bind_i64(&q, 1, in->kind);
    db_bind_slice(&q, 2, in->hash);
    r = store_row_seal(store, &q, 3, SEALED_TASK, in->hash, in->data, err);
    db_bind_i64(&q, 4, in->attempts);
    db_bind_i64(&q, 5, in->max_attempts);
    db_bind_i64(&q, 6, in->backoff_ms);
    db_bind_i64(&q, 7, in->max_backoff_ms);
    db_bind_i64(&q, 8, in->backoff_percent);
    db_bind_i64(&q, 9, in->created_at_ns);
    db_bind_i64(&q, 10, in->next_attempt_ns);
    db_bind_i64(&q, 11, in->expires_at_ns);
    if (r == 0 && (r = db_run(&q, err)) == 0 && added)
        *added = db_changes(store->db) > 0;
    db_end(&q);
    return r;
}

static int read_row(struct store *store, const struct db_query *q, struct store_mem *mem,
                    struct store_task *out, struct err *err)
{
    struct store_task t = {0};
    bool ok = true;
    int r;

    t.id = db_col_i64(q, 0);
    t.kind = (int)db_col_i64(q, 1);
    t.hash = store_row_slice(q, 2, mem, &ok);
    t.attempts = (unsigned)db_col_i64(q, 4);
    t.max_attempts = (unsigned)db_col_i64(q, 5);
    t.backoff_ms = db_col_i64(q, 6);
    t.max_backoff_ms = db_col_i64(q, 7);
    t.backoff_percent = (int)db_col_i64(q, 8);
    t.created_at_ns = db_col_i64(q, 9);
    t.next_attempt_ns = db_col_i64(q, 10);
    t.expires_at_ns = db_col_i64(q, 11);
    if (!ok)
        return store_no_memory(err);
    if ((r = store_row_open(store, q, 3, SEALED_TASK, t.hash, mem, &t.data, err)) == 0)
        *out = t;
    return r;
}

#define SELECT_TASK                                                                                          \
    "SELECT id, kind, hash, data, attempts, max_attempts, backoff_ms, max_backoff_ms, backoff_percent,"      \
    " created_at_ns, next_attempt_ns, expires_at_ns FROM tasks "

static int read_one(struct store *store, struct db_query *q, struct store_mem *mem, struct store_task *out,
                    struct err *err)
{
    int r = db_step(q, err);

    if (r == DB_ROW)
        r = read_row(store, q, mem, out, err);
    else if (r == DB_DONE)
        r = err_set(err, ERR_NOTFOUND, "no such task");
    db_end(q);
    return r;
}

int store_task_next(struct store *store, int64_t now_ns, struct store_mem *mem, struct store_task *out,
                    struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db, "DELETE FROM tasks WHERE next_attempt_ns <= ?1 AND expires_at_ns <= ?1");
    db_bind_i64(&q, 1, now_ns);
    if ((r = db_run(&q, err)) != 0)
        return r;
    db_query(&q, store->db, SELECT_TASK "WHERE next_attempt_ns <= ?1 ORDER BY next_attempt_ns, id LIMIT 1");
    db_bind_i64(&q, 1, now_ns);
    return read_one(store, &q, mem, out, err);
}

int store_tasks_next_due(struct store *store, int64_t *out_ns, struct err *err)
{
    return db_int(store->db, "SELECT coalesce(min(next_attempt_ns), 0) FROM tasks", out_ns, err);
}

int store_task_done(struct store *store, int64_t id, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "DELETE FROM tasks WHERE id = ?1");
    db_bind_i64(&q, 1, id);
    return db_run(&q, err);
}

/* After `attempts` failures; never shrinks, never over the maximum. */
static int64_t wait_ms(const struct store_task *task, unsigned attempts)
{
    int64_t wait = task->backoff_ms;

    for (unsigned i = 1; i < attempts && wait < task->max_backoff_ms; i++)
        wait = task->backoff_percent > 100
                   ? wait / 100 * task->backoff_percent + wait % 100 * task->backoff_percent / 100
                   : task->backoff_ms;
    return wait < task->max_backoff_ms ? wait : task->max_backoff_ms;
}

int store_task_retry(struct store *store, int64_t id, int64_t now_ns, bool *gone, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_task task;
    struct db_query q;
    int64_t next;
    bool end;
    int r;

    db_query(&q, store->db, SELECT_TASK "WHERE id = ?1");
    db_bind_i64(&q, 1, id);
    r = read_one(store, &q, &mem, &task, err);
    store_mem_free(&mem);
    if (r != 0)
        return r;
    next = now_ns + wait_ms(&task, task.attempts + 1) * NS_PER_MS;
    end = task.attempts + 1 >= task.max_attempts || next >= task.expires_at_ns;
    if (end) {
        r = store_task_done(store, id, err);
    } else {
        db_query(&q, store->db,
                 "UPDATE tasks SET attempts = attempts + 1, next_attempt_ns = ?2 WHERE id = ?1");
        db_bind_i64(&q, 1, id);
        db_bind_i64(&q, 2, next);
        r = db_run(&q, err);
    }
    if (r == 0 && gone)
        *gone = end;
    return r;
}

int store_task_pull_in(struct store *store, struct slice hash, int64_t due_ns, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "UPDATE tasks SET next_attempt_ns = min(next_attempt_ns, ?2) WHERE hash = ?1");
    db_bind_slice(&q, 1, hash);
    db_bind_i64(&q, 2, due_ns);
    return db_run(&q, err);
}

int store_task_drop(struct store *store, struct slice hash, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "DELETE FROM tasks WHERE hash = ?1");
    db_bind_slice(&q, 1, hash);
    return db_run(&q, err);
}
