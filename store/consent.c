#include "store/consent.h"

#include "store/rows.h"

#define LOG_COLUMNS                                                                                          \
    "id, time_ns, type, entity, old_state, new_state, consented_at_ns, origin, effect, batch, delivery, "    \
    "message_id"

int store_consent_batch(struct store *store, int64_t *batch, struct err *err)
{
    return db_int(store->db, "SELECT coalesce(max(batch), 0) + 1 FROM consent_log", batch, err);
}

struct known {
    bool exists;
    enum store_consent_state state;
    int64_t consented_at_ns;
};

static int look_up(struct store *store, enum store_consent_type type, const char *entity, struct known *out,
                   struct err *err)
{
    struct db_query q;
    int r;

    *out = (struct known){0};
    db_query(&q, store->db, "SELECT state, consented_at_ns FROM consents WHERE type = ?1 AND entity = ?2");
    db_bind_i64(&q, 1, type);
    db_bind_text(&q, 2, entity);
    if ((r = db_step(&q, err)) == DB_ROW) {
        out->exists = true;
        out->state = (enum store_consent_state)db_col_i64(&q, 0);
        out->consented_at_ns = db_col_i64(&q, 1);
    }
    db_end(&q);
    return r < 0 ? r : 0;
}

static int write_record(struct store *store, const struct store_consent *in, int64_t at_ns, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db,
             "INSERT OR REPLACE INTO consents (type, entity, state, consented_at_ns, origin)"
             " VALUES (?1, ?2, ?3, ?4, ?5)");
    db_bind_i64(&q, 1, in->type);
    db_bind_text(&q, 2, in->entity);
    db_bind_i64(&q, 3, in->state);
    db_bind_i64(&q, 4, at_ns);
    db_bind_slice_or_null(&q, 5, in->origin);
    return db_run(&q, err);
}

static int write_log(struct store *store, const struct store_consent *in,
                     const struct store_consent_change *change, const struct store_consent_context *context,
                     int64_t *id, struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db,
             "INSERT INTO consent_log (time_ns, type, entity, old_state, new_state, consented_at_ns, origin, "
             "effect,"
             " batch, delivery, message_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
    db_bind_i64(&q, 1, context->now_ns);
    db_bind_i64(&q, 2, in->type);
    db_bind_text(&q, 3, in->entity);
    db_bind_i64(&q, 4, change->old_state);
    db_bind_i64(&q, 5, in->state);
    db_bind_i64(&q, 6, change->consented_at_ns);
    db_bind_slice_or_null(&q, 7, in->origin);
    db_bind_i64(&q, 8, change->effect);
    db_bind_i64(&q, 9, context->batch);
    db_bind_i64(&q, 10, context->delivery);
    db_bind_slice_or_null(&q, 11, context->message_id);
    if ((r = db_run(&q, err)) == 0)
        *id = db_last_id(store->db);
    return r;
}

int store_consent_apply(struct store *store, const struct store_consent *in,
                        const struct store_consent_context *context, struct store_consent_change *out,
                        struct err *err)
{
    struct store_consent_change change = {0};
    struct known known;
    bool newer;
    int r;

    if ((r = look_up(store, in->type, in->entity, &known, err)) != 0)
        return r;
    change.old_state = known.state;
    change.consented_at_ns = in->consented_at_ns;
    /* A decision made here and now comes after all that was known when it was made, whatever the clocks say.
     */
    if (!change.consented_at_ns)
        change.consented_at_ns = known.exists && known.consented_at_ns >= context->now_ns
                                     ? known.consented_at_ns + 1
                                     : context->now_ns;
    newer = !known.exists || change.consented_at_ns > known.consented_at_ns;
    if (in->state == known.state)
        change.effect = STORE_EFFECT_SAME;
    else
        change.effect = newer ? STORE_EFFECT_CHANGED : STORE_EFFECT_STALE;
    if (newer && (r = write_record(store, in, change.consented_at_ns, err)) != 0)
        return r;
    /* The very same decision again, as our own message brings it back, is no event. */
    if (!(known.exists && change.effect == STORE_EFFECT_SAME &&
          change.consented_at_ns == known.consented_at_ns) &&
        (r = write_log(store, in, &change, context, &change.log_id, err)) != 0)
        return r;
    if (out)
        *out = change;
    return 0;
}

int store_consent_refuse(struct store *store, const struct store_consent *in,
                         const struct store_consent_context *context, int64_t *log_id, struct err *err)
{
    struct store_consent_change change = {.effect = STORE_EFFECT_REFUSED,
                                          .consented_at_ns = in->consented_at_ns};
    struct known known;
    int r;

    if ((r = look_up(store, in->type, in->entity, &known, err)) != 0)
        return r;
    change.old_state = known.state;
    r = write_log(store, in, &change, context, &change.log_id, err);
    if (r == 0 && log_id)
        *log_id = change.log_id;
    return r;
}

static int read_record(const struct db_query *q, struct store_mem *mem, struct store_consent *out,
                       struct err *err)
{
    struct store_consent c = {0};
    bool ok = true;

    c.type = (enum store_consent_type)db_col_i64(q, 0);
    c.entity = store_row_text(q, 1, mem, &ok);
    c.state = (enum store_consent_state)db_col_i64(q, 2);
    c.consented_at_ns = db_col_i64(q, 3);
    c.origin = store_row_slice(q, 4, mem, &ok);
    if (!ok)
        return store_no_memory(err);
    *out = c;
    return 0;
}

static int read_one(struct db_query *q, struct store_mem *mem, struct store_consent *out, struct err *err)
{
    int r = db_step(q, err);

    if (r == DB_ROW)
        r = read_record(q, mem, out, err);
    else if (r == DB_DONE)
        r = err_set(err, ERR_NOTFOUND, "no consent record");
    db_end(q);
    return r;
}

int store_consent_get(struct store *store, enum store_consent_type type, const char *entity,
                      struct store_mem *mem, struct store_consent *out, struct err *err)
{
    struct db_query q;

    db_query(
        &q, store->db,
        "SELECT type, entity, state, consented_at_ns, origin FROM consents WHERE type = ?1 AND entity = ?2");
    db_bind_i64(&q, 1, type);
    db_bind_text(&q, 2, entity);
    return read_one(&q, mem, out, err);
}

int store_consent_state(struct store *store, enum store_consent_type type, const char *entity,
                        enum store_consent_state *out, struct err *err)
{
    struct known known;
    int r = look_up(store, type, entity, &known, err);

    if (r == 0)
        *out = known.state;
    return r;
}

int store_consents_each(struct store *store, int (*fn)(void *ctx, const struct store_consent *row), void *ctx,
                        struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_consent row;
    struct db_query q;
    int r;

    db_query(&q, store->db,
             "SELECT type, entity, state, consented_at_ns, origin FROM consents ORDER BY type, entity");
    while ((r = db_step(&q, err)) == DB_ROW) {
        store_mem_reset(&mem);
        if ((r = read_record(&q, &mem, &row, err)) != 0 || (r = fn(ctx, &row)) != 0)
            break;
    }
    db_end(&q);
    store_mem_free(&mem);
    return r;
}

int store_consent_of_dm(struct store *store, const char *dm_id, struct store_mem *mem,
                        struct store_consent *out, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db,
             "SELECT k.type, k.entity, k.state, k.consented_at_ns, k.origin FROM conversations c"
             " JOIN groups g ON g.conversation = c.n"
             " JOIN consents k ON k.type = 1 AND k.entity = lower(hex(g.id))"
             " WHERE c.dm_id = ?1 ORDER BY k.consented_at_ns DESC LIMIT 1");
    db_bind_text(&q, 1, dm_id);
    return read_one(&q, mem, out, err);
}

static int read_log(const struct db_query *q, struct store_mem *mem, struct store_consent_log *out,
                    struct err *err)
{
    struct store_consent_log l = {0};
    bool ok = true;

    l.id = db_col_i64(q, 0);
    l.time_ns = db_col_i64(q, 1);
    l.record.type = (enum store_consent_type)db_col_i64(q, 2);
    l.record.entity = store_row_text(q, 3, mem, &ok);
    l.old_state = (enum store_consent_state)db_col_i64(q, 4);
    l.record.state = (enum store_consent_state)db_col_i64(q, 5);
    l.record.consented_at_ns = db_col_i64(q, 6);
    l.record.origin = store_row_slice(q, 7, mem, &ok);
    l.effect = (enum store_consent_effect)db_col_i64(q, 8);
    l.batch = db_col_i64(q, 9);
    l.delivery = (enum store_delivery)db_col_i64(q, 10);
    l.message_id = store_row_slice(q, 11, mem, &ok);
    if (!ok)
        return store_no_memory(err);
    *out = l;
    return 0;
}

static int each_log(struct db_query *q, store_consent_log_fn *fn, void *ctx, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_consent_log row;
    int r;

    while ((r = db_step(q, err)) == DB_ROW) {
        store_mem_reset(&mem);
        if ((r = read_log(q, &mem, &row, err)) != 0 || (r = fn(ctx, &row)) != 0)
            break;
    }
    db_end(q);
    store_mem_free(&mem);
    return r;
}

int store_consent_log_page(struct store *store, int64_t before_id, size_t limit, store_consent_log_fn *fn,
                           void *ctx, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db,
             "SELECT " LOG_COLUMNS " FROM consent_log WHERE id < ?1 ORDER BY id DESC LIMIT ?2");
    db_bind_i64(&q, 1, before_id ? before_id : INT64_MAX);
    db_bind_i64(&q, 2, (int64_t)limit);
    return each_log(&q, fn, ctx, err);
}

int store_consent_log_get(struct store *store, int64_t id, struct store_mem *mem,
                          struct store_consent_log *out, struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db, "SELECT " LOG_COLUMNS " FROM consent_log WHERE id = ?1");
    db_bind_i64(&q, 1, id);
    r = db_step(&q, err);
    if (r == DB_ROW)
        r = read_log(&q, mem, out, err);
    else if (r == DB_DONE)
        r = err_set(err, ERR_NOTFOUND, "no line %lld in the log", (long long)id);
    db_end(&q);
    return r;
}

int store_consent_log_batch(struct store *store, int64_t batch, store_consent_log_fn *fn, void *ctx,
                            struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "SELECT " LOG_COLUMNS " FROM consent_log WHERE batch = ?1 ORDER BY id");
    db_bind_i64(&q, 1, batch);
    return each_log(&q, fn, ctx, err);
}

int store_consent_log_of(struct store *store, enum store_consent_type type, const char *entity, size_t limit,
                         store_consent_log_fn *fn, void *ctx, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db,
             "SELECT " LOG_COLUMNS
             " FROM consent_log WHERE type = ?1 AND entity = ?2 ORDER BY id DESC LIMIT ?3");
    db_bind_i64(&q, 1, type);
    db_bind_text(&q, 2, entity);
    db_bind_i64(&q, 3, (int64_t)limit);
    return each_log(&q, fn, ctx, err);
}

int store_consent_log_delivered(struct store *store, int64_t batch, enum store_delivery delivery,
                                struct slice message_id, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db,
             "UPDATE consent_log SET delivery = ?2, message_id = coalesce(?3, message_id)"
             " WHERE batch = ?1 AND delivery <> 0");
    db_bind_i64(&q, 1, batch);
    db_bind_i64(&q, 2, delivery);
    db_bind_slice_or_null(&q, 3, message_id);
    return db_run(&q, err);
}
