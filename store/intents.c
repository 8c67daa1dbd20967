#include "store/intents.h"

#include "store/rows.h"

#define COLUMNS                                                                                              \
    "id, kind, state, group_id, data, payload_hash, staged_commit, post_commit, message_id, "                \
    "published_epoch,"                                                                                       \
    " should_push, attempts, originator, sequence_id, created_at_ns, next_attempt_ns"

int store_intent_put(struct store *store, const struct store_intent *in, int64_t *id, struct err *err)
{
    struct seal_row space;
    struct db_query q;
    int64_t next;
    int r;

    if ((r = store_next_id(store, STORE_ID_INTENTS, &next, err)) != 0)
        return r;
    db_query(&q, store->db,
             "INSERT INTO intents (id, kind, state, group_id, data, message_id, should_push, created_at_ns,"
             " payload_hash, published_epoch) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
    db_bind_i64(&q, 1, next);
    db_bind_i64(&q, 2, in->kind);
    db_bind_i64(&q, 3, in->payload_hash.data ? STORE_INTENT_PUBLISHED : STORE_INTENT_TO_PUBLISH);
    db_bind_slice(&q, 4, in->group_id);
    r = store_row_seal(store, &q, 5, SEALED_INTENT_DATA, seal_row_of(next, &space), in->data, err);
    db_bind_slice_or_null(&q, 6, in->message_id);
    db_bind_i64(&q, 7, in->should_push);
    db_bind_i64(&q, 8, in->created_at_ns);
    db_bind_slice_or_null(&q, 9, in->payload_hash);
    db_bind_i64(&q, 10, in->payload_hash.data ? (int64_t)in->published_epoch : 0);
    if (r == 0 && (r = db_run(&q, err)) == 0)
        *id = next;
    db_end(&q);
    return r;
}

static int read_row(struct store *store, const struct db_query *q, struct store_mem *mem,
                    struct store_intent *out, struct err *err)
{
    struct store_intent in = {0};
    struct seal_row space;
    struct slice row;
    bool ok = true;
    int r;

    in.id = db_col_i64(q, 0);
    in.kind = (enum store_intent_kind)db_col_i64(q, 1);
    in.state = (enum store_intent_state)db_col_i64(q, 2);
    in.group_id = store_row_slice(q, 3, mem, &ok);
    in.payload_hash = store_row_slice(q, 5, mem, &ok);
    in.message_id = store_row_slice(q, 8, mem, &ok);
    in.published_epoch = (uint64_t)db_col_i64(q, 9);
    in.should_push = db_col_i64(q, 10) != 0;
    in.attempts = (unsigned)db_col_i64(q, 11);
    in.originator = (uint32_t)db_col_i64(q, 12);
    in.sequence_id = db_col_i64(q, 13);
    in.created_at_ns = db_col_i64(q, 14);
    in.next_attempt_ns = db_col_i64(q, 15);
    if (!ok)
        return store_no_memory(err);
    row = seal_row_of(in.id, &space);
    if ((r = store_row_open(store, q, 4, SEALED_INTENT_DATA, row, mem, &in.data, err)) == 0 &&
        (r = store_row_open(store, q, 6, SEALED_INTENT_STAGED, row, mem, &in.staged_commit, err)) == 0 &&
        (r = store_row_open(store, q, 7, SEALED_INTENT_POST, row, mem, &in.post_commit, err)) == 0)
        *out = in;
    return r;
}

static int read_one(struct store *store, struct db_query *q, struct store_mem *mem, struct store_intent *out,
                    struct err *err)
{
    int r = db_step(q, err);

    if (r == DB_ROW)
        r = read_row(store, q, mem, out, err);
    else if (r == DB_DONE)
        r = err_set(err, ERR_NOTFOUND, "no such intent");
    db_end(q);
    return r;
}

int store_intent_get(struct store *store, int64_t id, struct store_mem *mem, struct store_intent *out,
                     struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "SELECT " COLUMNS " FROM intents WHERE id = ?1");
    db_bind_i64(&q, 1, id);
    return read_one(store, &q, mem, out, err);
}

int store_intent_by_hash(struct store *store, struct slice payload_hash, struct store_mem *mem,
                         struct store_intent *out, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "SELECT " COLUMNS " FROM intents WHERE payload_hash = ?1 AND state IN (2, 3)");
    db_bind_slice(&q, 1, payload_hash);
    return read_one(store, &q, mem, out, err);
}

/* Runs an update that names the state it comes from, and tells when the intent is not in it. */
static int move(struct store *store, struct db_query *q, int64_t id, const char *to, struct err *err)
{
    int r = db_run(q, err);

    if (r == 0 && db_changes(store->db) == 0)
        return err_set(err, ERR_STATE, "intent %lld cannot become %s now", (long long)id, to);
    return r;
}

int store_intent_set_published(struct store *store, int64_t id, struct slice payload_hash,
                               struct slice staged_commit, struct slice post_commit, uint64_t epoch,
                               struct err *err)
{
    struct seal_row space;
    struct slice row = seal_row_of(id, &space);
    struct db_query q;
    int r;

    db_query(&q, store->db,
             "UPDATE intents SET state = 2, payload_hash = ?2, staged_commit = ?3, post_commit = ?4,"
             " published_epoch = ?5 WHERE id = ?1 AND state = 1");
    db_bind_i64(&q, 1, id);
    db_bind_slice(&q, 2, payload_hash);
    db_bind_i64(&q, 5, (int64_t)epoch);
    if ((r = store_row_seal_or_null(store, &q, 3, SEALED_INTENT_STAGED, row, staged_commit, err)) == 0 &&
        (r = store_row_seal_or_null(store, &q, 4, SEALED_INTENT_POST, row, post_commit, err)) == 0)
        r = move(store, &q, id, "published", err);
    db_end(&q);
    return r;
}

int store_intent_set_committed(struct store *store, int64_t id, uint32_t originator, int64_t sequence_id,
                               struct err *err)
{
    struct db_query q;

    db_query(&q, store->db,
             "UPDATE intents SET state = 3, staged_commit = NULL, originator = ?2, sequence_id = ?3"
             " WHERE id = ?1 AND state IN (2, 3)");
    db_bind_i64(&q, 1, id);
    db_bind_i64(&q, 2, originator);
    db_bind_i64(&q, 3, sequence_id);
    return move(store, &q, id, "committed", err);
}

int store_intent_set_to_publish(struct store *store, int64_t id, bool failed, int64_t next_attempt_ns,
                                struct err *err)
{
    struct db_query q;

    db_query(
        &q, store->db,
        "UPDATE intents SET state = 1, payload_hash = NULL, staged_commit = NULL, post_commit = NULL,"
        " published_epoch = 0, attempts = attempts + ?2, next_attempt_ns = ?3 WHERE id = ?1"
        " AND (state <> 3 OR kind = 1)"); /* a message may come back too old to be read and go out again */
    db_bind_i64(&q, 1, id);
    db_bind_i64(&q, 2, failed);
    db_bind_i64(&q, 3, next_attempt_ns);
    return move(store, &q, id, "to publish", err);
}

int store_intent_refused(struct store *store, int64_t id, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "UPDATE intents SET attempts = attempts + 1 WHERE id = ?1");
    db_bind_i64(&q, 1, id);
    return store_run_one(store, &q, "intent", err);
}

int store_intent_set_error(struct store *store, int64_t id, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db,
             "UPDATE intents SET state = 4, staged_commit = NULL, post_commit = NULL WHERE id = ?1");
    db_bind_i64(&q, 1, id);
    return store_run_one(store, &q, "intent", err);
}

int store_intent_delete(struct store *store, int64_t id, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "DELETE FROM intents WHERE id = ?1");
    db_bind_i64(&q, 1, id);
    return db_run(&q, err);
}

int store_intents_each(struct store *store, struct slice group_id, unsigned states,
                       int (*fn)(void *ctx, const struct store_intent *row), void *ctx, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_intent row;
    struct db_query q;
    int r;

    db_query(&q, store->db,
             "SELECT " COLUMNS " FROM intents WHERE group_id = ?1 AND (?2 >> state) & 1 ORDER BY id");
    db_bind_slice(&q, 1, group_id);
    db_bind_i64(&q, 2, states);
    while ((r = db_step(&q, err)) == DB_ROW) {
        store_mem_reset(&mem);
        if ((r = read_row(store, &q, &mem, &row, err)) != 0 || (r = fn(ctx, &row)) != 0)
            break;
    }
    db_end(&q);
    store_mem_free(&mem);
    return r;
}

int store_intents_groups(struct store *store, unsigned states, int (*fn)(void *ctx, struct slice group_id),
                         void *ctx, struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db,
             "SELECT group_id FROM intents WHERE (?1 >> state) & 1"
             " AND (state <> 3 OR (post_commit IS NOT NULL AND attempts < ?2)) GROUP BY group_id ORDER BY min(id)");
    db_bind_i64(&q, 1, states);
    db_bind_i64(&q, 2, STORE_INTENT_REFUSALS_MAX);
    while ((r = db_step(&q, err)) == DB_ROW && (r = fn(ctx, db_col_slice(&q, 0))) == 0)
        ;
    db_end(&q);
    return r;
}

int store_intents_count(struct store *store, unsigned states, int64_t *out, struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db, "SELECT count(*) FROM intents WHERE (?1 >> state) & 1");
    db_bind_i64(&q, 1, states);
    if ((r = db_step(&q, err)) == DB_ROW)
        *out = db_col_i64(&q, 0);
    db_end(&q);
    return r < 0 ? r : 0;
}
