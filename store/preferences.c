#include "store/preferences.h"

#include "store/consent.h"
#include "store/rows.h"

int store_hmac_key_get(struct store *store, struct store_mem *mem, struct slice *key, int64_t *cycled_at_ns,
                       struct err *err)
{
    struct seal_row space;
    struct db_query q;
    int64_t at;
    int r;

    db_query(&q, store->db, "SELECT hmac_key, hmac_cycled_at_ns FROM user_preferences");
    r = db_step(&q, err);
    if (r == DB_ROW) {
        at = db_col_i64(&q, 1);
        r = store_row_open(store, &q, 0, SEALED_HMAC_KEY, seal_row_of(at, &space), mem, key, err);
        if (r == 0)
            *cycled_at_ns = at;
    } else if (r == DB_DONE) {
        r = err_set(err, ERR_NOTFOUND, "no HMAC key yet");
    }
    db_end(&q);
    return r;
}

int store_hmac_key_put(struct store *store, struct slice key, int64_t cycled_at_ns, bool *stored,
                       struct err *err)
{
    struct seal_row space;
    struct db_query q;
    int r;

    db_query(&q, store->db,
             "INSERT INTO user_preferences (id, hmac_key, hmac_cycled_at_ns) VALUES (1, ?1, ?2)"
             " ON CONFLICT DO UPDATE SET hmac_key = excluded.hmac_key, hmac_cycled_at_ns = "
             "excluded.hmac_cycled_at_ns"
             " WHERE hmac_cycled_at_ns <= excluded.hmac_cycled_at_ns");
    r = store_row_seal(store, &q, 1, SEALED_HMAC_KEY, seal_row_of(cycled_at_ns, &space), key, err);
    db_bind_i64(&q, 2, cycled_at_ns);
    if (r == 0 && (r = db_run(&q, err)) == 0 && stored)
        *stored = db_changes(store->db) > 0;
    db_end(&q);
    return r;
}

int store_preference_put(struct store *store, int64_t batch, struct slice payload, int64_t now_ns,
                         int64_t *id, struct err *err)
{
    struct seal_row space;
    struct db_query q;
    int64_t next;
    int r;

    if ((r = store_next_id(store, STORE_ID_PREFERENCE_OUTBOX, &next, err)) != 0)
        return r;
    db_query(&q, store->db,
             "INSERT INTO preference_outbox (id, batch, payload, created_at_ns) VALUES (?1, ?2, ?3, ?4)");
    db_bind_i64(&q, 1, next);
    db_bind_i64(&q, 2, batch);
    r = store_row_seal(store, &q, 3, SEALED_PREFERENCE, seal_row_of(next, &space), payload, err);
    db_bind_i64(&q, 4, now_ns);
    if (r == 0 && (r = db_run(&q, err)) == 0 && id)
        *id = next;
    db_end(&q);
    return r;
}

static int read_preference(struct store *store, const struct db_query *q, struct store_mem *mem,
                           struct store_preference *out, struct err *err)
{
    struct store_preference p = {0};
    struct seal_row space;
    bool ok = true;
    int r;

    p.id = db_col_i64(q, 0);
    p.batch = db_col_i64(q, 1);
    p.message_id = store_row_slice(q, 3, mem, &ok);
    p.attempts = (unsigned)db_col_i64(q, 4);
    p.created_at_ns = db_col_i64(q, 5);
    p.next_attempt_ns = db_col_i64(q, 6);
    if (!ok)
        return store_no_memory(err);
    r = store_row_open(store, q, 2, SEALED_PREFERENCE, seal_row_of(p.id, &space), mem, &p.payload, err);
    if (r == 0)
        *out = p;
    return r;
}

int store_preferences_each(struct store *store, int (*fn)(void *ctx, const struct store_preference *row),
                           void *ctx, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_preference row;
    struct db_query q;
    int r;

    db_query(&q, store->db,
             "SELECT id, batch, payload, message_id, attempts, created_at_ns, next_attempt_ns"
             " FROM preference_outbox ORDER BY id");
    while ((r = db_step(&q, err)) == DB_ROW) {
        store_mem_reset(&mem);
        if ((r = read_preference(store, &q, &mem, &row, err)) != 0 || (r = fn(ctx, &row)) != 0)
            break;
    }
    db_end(&q);
    store_mem_free(&mem);
    return r;
}

int store_preference_set_message(struct store *store, int64_t id, struct slice message_id, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "UPDATE preference_outbox SET message_id = ?2 WHERE id = ?1");
    db_bind_i64(&q, 1, id);
    db_bind_slice(&q, 2, message_id);
    return store_run_one(store, &q, "item in the outbox", err);
}

int store_preference_retry(struct store *store, int64_t id, int64_t next_attempt_ns, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db,
             "UPDATE preference_outbox SET attempts = attempts + 1, message_id = NULL, next_attempt_ns = ?2"
             " WHERE id = ?1");
    db_bind_i64(&q, 1, id);
    db_bind_i64(&q, 2, next_attempt_ns);
    return store_run_one(store, &q, "item in the outbox", err);
}

int store_preference_sent(struct store *store, struct slice message_id, bool *was_ours, struct err *err)
{
    struct db_query q;
    int64_t batch = 0;
    bool found;
    int r;

    db_query(&q, store->db, "DELETE FROM preference_outbox WHERE message_id = ?1 RETURNING batch");
    db_bind_slice(&q, 1, message_id);
    r = db_step(&q, err);
    found = r == DB_ROW;
    if (found)
        batch = db_col_i64(&q, 0);
    db_end(&q);
    if (r >= 0)
        r = 0;
    if (r == 0 && batch)
        r = store_consent_log_delivered(store, batch, STORE_DELIVERY_SENT, message_id, err);
    if (r == 0 && was_ours)
        *was_ours = found;
    return r;
}

int store_preference_delete(struct store *store, int64_t id, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "DELETE FROM preference_outbox WHERE id = ?1");
    db_bind_i64(&q, 1, id);
    return db_run(&q, err);
}

int store_preferences_count(struct store *store, int64_t *out, struct err *err)
{
    return db_int(store->db, "SELECT count(*) FROM preference_outbox", out, err);
}

#define IS_PENDING                                                                                           \
    " g.type = 3 AND g.trusted AND m.kind = 1 AND (m.sequence_id IS NOT NULL OR m.status = 2)"               \
    " AND NOT EXISTS (SELECT 1 FROM device_sync d WHERE d.message_id = m.id AND d.state <> 0)"

int store_device_sync_pending(struct store *store, struct slice message_id, store_message_fn *fn, void *ctx,
                              struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_message row;
    struct db_query q;
    int r;

    if (message_id.len) {
        db_query(&q, store->db,
                 "SELECT " STORE_MESSAGE_COLUMNS STORE_MESSAGE_FROM "WHERE m.id = ?1 AND" IS_PENDING);
        db_bind_slice(&q, 1, message_id);
    } else { /* by the conversation, which has an index */
        db_query(&q, store->db,
                 "SELECT " STORE_MESSAGE_COLUMNS " FROM groups g"
                 " JOIN messages m ON m.conversation = g.conversation AND m.group_n = g.n"
                 " WHERE" IS_PENDING " ORDER BY g.n, m.sequence_id");
    }
    while ((r = db_step(&q, err)) == DB_ROW) {
        store_mem_reset(&mem);
        if ((r = store_message_read(store, &q, 0, true, &mem, &row, err)) != 0 || (r = fn(ctx, &row)) != 0)
            break;
    }
    db_end(&q);
    store_mem_free(&mem);
    return r;
}

int store_device_sync_done(struct store *store, struct slice message_id, int64_t now_ns, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db,
             "INSERT INTO device_sync (message_id, state, attempts, time_ns) VALUES (?1, 1, 0, ?2)"
             " ON CONFLICT DO UPDATE SET state = 1, time_ns = excluded.time_ns");
    db_bind_slice(&q, 1, message_id);
    db_bind_i64(&q, 2, now_ns);
    return db_run(&q, err);
}

int store_device_sync_failed(struct store *store, struct slice message_id, unsigned max_attempts,
                             int64_t now_ns, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db,
             "INSERT INTO device_sync (message_id, state, attempts, time_ns)"
             " VALUES (?1, CASE WHEN ?3 <= 1 THEN 2 ELSE 0 END, 1, ?2)"
             " ON CONFLICT DO UPDATE SET attempts = attempts + 1, time_ns = excluded.time_ns,"
             " state = CASE WHEN attempts + 1 >= ?3 THEN 2 ELSE 0 END");
    db_bind_slice(&q, 1, message_id);
    db_bind_i64(&q, 2, now_ns);
    db_bind_i64(&q, 3, max_attempts);
    return db_run(&q, err);
}
